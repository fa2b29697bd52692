-- lua.message_spec, lua.message_tasks, lua.message_none: what a gRPC message that stands in the buffer names, by how that is to be read,
-- walked to the end of what is there. The largest body stands in the environment. They answer
--   "s <model> <version>", "t <model> <version>", "n"     walk spec, tasks, none; the version is "-", "v<number>" or "l<label>"
--   "~<reason>"                                           refused
-- No answer at all is a fault, and whoever asks has to refuse it. It is wire/message-walk.ts once more: both pass the same corpus.
local byte, find, sub, unpack = string.byte, string.find, string.sub, string.unpack
local tag, value, whole = headgate.tag, headgate.value, headgate.whole
local spec_bytes_max, spec_within, fields_max = headgate.spec_bytes_max, headgate.spec_within, headgate.fields_max
local malformed, ambiguous = 'message-malformed', 'message-ambiguous'

-- Text of visible ASCII, not empty.
local function visible(s, first, after)
  if first == after then return nil end
  local found = sub(s, first, after - 1)
  return not find(found, '[^\x21-\x7e]') and found or nil
end

-- An Int64Value as decimal digits.
local function int64(s, p, stop)
  local found
  while p < stop do
    local number, wire, q = tag(s, p)
    if not number or q > stop then return nil, malformed end
    if found then return nil, ambiguous end
    if number ~= 1 or wire ~= 0 then return nil, malformed end
    local first, after = whole(s, wire, q, stop)
    -- Nine bytes hold what isn't negative; the last of several is 0 where fewer would have done.
    if not first or after - first > 9 or after - first > 1 and byte(s, after - 1) == 0 then return nil, malformed end
    found = 0
    for r = first, after - 1 do found = found | (byte(s, r) & 127) << 7 * (r - first) end
    p = after
  end
  return 'v' .. (found or 0)
end

-- Passes over a field that nobody knows: where it ends.
local function skip(s, number, wire, q, stop)
  if wire ~= 2 and (number < 16 or wire ~= 0) then return nil end
  local first, after = whole(s, wire, q, stop)
  return first and after
end

-- A ModelSpec: name = 1, version = 2, version_label = 4. Model and version; nil and why.
local function model_spec(s, p, stop)
  local model, version, why
  while p < stop do
    -- The form that nearly all have, a tag and a length of one byte each, is read here, because calls cost more than what they do.
    local b, l = byte(s, p, p + 1)
    local number, wire, q, first, after
    if l and l < 128 and b < 128 and b & 7 == 2 and p + 2 + l <= stop then
      number, wire, q, first, after = b >> 3, 2, p + 1, p + 2, p + 2 + l
      if number == 0 then return nil, malformed end
    else
      number, wire, q = tag(s, p)
      if not number or q > stop then return nil, malformed end
    end
    if number == 1 or number == 2 or number == 4 then
      if number == 1 and model or number ~= 1 and version then return nil, ambiguous end
      if wire ~= 2 then return nil, malformed end
      if not first then first, after = whole(s, wire, q, stop) end
      if not first then return nil, malformed end
      if number == 2 then
        version, why = int64(s, first, after)
        if not version then return nil, why end
      else
        local text = visible(s, first, after)
        if not text then return nil, malformed end
        if number == 1 then model = text else version = 'l' .. text end
      end
    else
      after = after or skip(s, number, wire, q, stop)
      if not after then return nil, malformed end
    end
    p = after
  end
  if not model then return nil, malformed end
  return model, version or '-'
end

-- An InferenceTask: model_spec = 1.
local function inference_task(s, p, stop)
  local model, version
  while p < stop do
    local number, wire, q = tag(s, p)
    if not number or q > stop then return nil, malformed end
    if number == 1 then
      if model then return nil, ambiguous end
      if wire ~= 2 then return nil, malformed end
      local first, after = whole(s, wire, q, stop)
      if not first then return nil, malformed end
      model, version = model_spec(s, first, after)
      if not model then return nil, version end
      p = after
    else
      p = skip(s, number, wire, q, stop)
      if not p then return nil, malformed end
    end
  end
  if not model then return nil, malformed end
  return model, version
end

-- The message, as far as s holds it; `stop` is where it ends, which may be beyond. What it names; nil and why.
local function message(s, stop, kind)
  local here = #s + 1
  local read = kind == 'spec' and model_spec or inference_task
  local p, model, version, fields = 6, nil, nil, 0
  while p < stop and p < here do
    fields = fields + 1
    if not model and p > spec_within then return nil, malformed end
    local b = byte(s, p)
    local number, wire, q
    if b < 128 and b & 7 == 2 and b > 7 then number, wire, q = b >> 3, 2, p + 1
    else
      number, wire, q = tag(s, p)
      if number == false then return nil, malformed end
      if number == nil then
        if here >= stop then return nil, malformed end
        break
      end
    end
    if q > stop or fields > fields_max or number < 16 and wire ~= 2 then return nil, malformed end
    if number == 1 and model and kind == 'spec' then return nil, ambiguous end
    local first, length = q + 1, byte(s, q)
    if wire ~= 2 or not length or length > 127 then first, length = value(s, wire, q) end
    if first == false then return nil, malformed end
    if first == nil then
      if here >= stop then return nil, malformed end
      break
    end
    local after = first + length
    if after > stop then return nil, malformed end
    if number == 1 then
      if length > spec_bytes_max or after > spec_within + 1 or after > here then return nil, malformed end
      local found, its = read(s, first, after)
      if not found then return nil, its end
      if model and (model ~= found or version ~= its) then return nil, ambiguous end
      model, version = found, its
    end
    p = after
  end
  if not model then return nil, malformed end
  return model, version
end

local bytes_max = tonumber(os.getenv('HEADGATE_BODY_BYTES_MAX'))
local letters = { spec = 's ', tasks = 't ' }

-- The body, as far as it is here; `ends`: nothing more comes. Also for its test, which runs it over the corpus.
function headgate.named(s, kind, ends)
  local n = #s
  if n == 0 then return '~' .. malformed end
  local flag = byte(s, 1)
  if flag ~= 0 then return flag == 1 and '~message-compressed' or '~' .. malformed end
  if n < 5 then return '~' .. malformed end
  local stop = unpack('>I4', s, 2) + 6
  if stop - 1 > bytes_max then return '~body-too-large' end
  if kind == 'none' then return (n >= stop or ends and n < stop - 1) and '~' .. malformed or 'n' end
  -- What must be seen is here: only very large header fields leave less room.
  if n < spec_within and n < stop - 1 and not ends then return '~header-too-large' end
  local model, version = message(s, stop, kind)
  if not model then return '~' .. version end
  if n >= stop or ends and n < stop - 1 then return '~' .. malformed end
  return letters[kind] .. model .. ' ' .. version
end

for _, kind in ipairs({ 'spec', 'tasks', 'none' }) do
  core.register_fetches('message_' .. kind, function(txn)
    local s = txn.f:req_body()
    local is_short = #s < 5 or #s < unpack('>I4', s, 2) + 5
    -- HAProxy gives a boolean as a number, and 0 is true to Lua.
    return headgate.named(s, kind, is_short and txn.f:internal_htx_has_eom() == 1)
  end)
end

-- lua.trailers: whether fields follow the body. HAProxy ends some bodies without any as if there were.
core.register_fetches('trailers', function(txn)
  local last = txn.f:internal_htx_nbblks() - 2
  return txn.f:internal_htx_blk_type(tostring(last)) == 'HTX_BLK_TLR'
end)

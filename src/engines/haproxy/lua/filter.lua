-- filter lua.message: walks a gRPC message that is larger than the buffer as it passes, from its first byte to its last, and lets the
-- last one through only when it is sure that nothing follows. What the message names was read by lua.message, into `txn.msg`, whose first
-- letter says which walk. Where `txn.append` holds a version, it is appended, and the frame's length is put right. Refused calls end as
-- 400, with the reason in `txn.why`.
--
-- Being called is what costs, so it is called as rarely as it can be: the methods stand in the instance, not behind a metatable; the one
-- for header fields removes itself; there is one for the end only where the call is refused.
local byte, pack, sub, unpack = string.byte, string.pack, string.sub, string.unpack
local tag, value = headgate.tag, headgate.value
local spec_within, head_bytes_max, fields_max = headgate.spec_within, headgate.head_bytes_max, headgate.fields_max
local malformed, ambiguous = 'message-malformed', 'message-ambiguous'
local CONTINUE, ERROR = filter.CONTINUE, filter.ERROR
local register = filter.register_data_filter
-- Read at once where many small fields follow one another.
local chunk_bytes = 2048

-- Inference tasks that are written anew stand before those that came, for a moment: there is room for so much.
local tasks_bytes_max = 2048

-- Of walks, by their letters. No other message may come here.
local kinds = { s = true, t = true, n = true }

local function fail() return ERROR end

-- error() in here would write a line to standard error for each such call. Instead the end is brought about at once, where an error can be
-- answered without one; HAProxy then drops what it holds of the request before it sends any of it.
local function refuse(self, txn, msg, why)
  txn:set_var('txn.why', why)
  self.http_end = fail
  -- What is left is no whole message, whatever happens. One byte: over several blocks 2.6 would remove the wrong ones.
  local here = msg:body()
  if here and #here > 0 then msg:remove(#here - 1, 1) end
  msg:set_eom()
end

-- The frame's head: where the body ends. nil: not here yet, or no room; false: it never will be.
local function frame(self, msg)
  local head = msg:body(0, 5)
  if not head or #head < 5 then
    if msg:eom() then return false end
    return nil
  end
  local length = unpack('>I4', head, 2)
  if byte(head, 1) ~= 0 or not kinds[self.kind] then return false end
  if self.append and self.kind == 't' then
    local tasks, old = headgate.versioned_tasks(sub(msg:body(), 1, spec_within), self.append)
    local new = '\0' .. pack('>I4', length + #tasks - old) .. tasks
    if #new > tasks_bytes_max then return false end
    if msg:insert(new, 0) ~= #new then return nil end
    for _ = 1, old + 5 do msg:remove(#new, 1) end
    self.grown = #tasks - old
    return length + self.grown + 5
  elseif self.append then
    local tail = headgate.chosen_version(sub(msg:body(), 1, spec_within), self.append)
    -- msg:set() and remove() go wrong where the head stands in several blocks: a new one is put before it, and it goes byte by byte.
    if msg:insert('\0' .. pack('>I4', length + #tail), 0) ~= 5 then return nil end
    for _ = 1, 5 do msg:remove(5, 1) end
    self.tail = tail
  end
  return length + 5
end

-- INVARIANT: msg:body(p, n) gives n bytes, and then others if the buffer holds more than one block: only the first n count.

-- Walks the fields that begin in what is here. Where the next one begins; nil and why. `at`, `seen`, `stop`, `next`: bytes of the body.
local function walk(self, msg, seen)
  local at, stop, next = self.at, self.stop, self.next
  local want = head_bytes_max
  while next < seen and next < stop do
    local base = next
    local s = sub(msg:body(base - at, want) or '', 1, want)
    local p, n = 1, #s
    while p <= n and next < stop do
      local number, wire, q = tag(s, p)
      if number == nil then break end
      if number == false or number < 16 and wire ~= 2 then return nil, malformed end
      if number == 1 and self.named and self.kind == 's' then return nil, ambiguous end
      local first, length = value(s, wire, q)
      if first == nil then break end
      if first == false then return nil, malformed end
      local after = base + first - 1 + length
      if after > stop or number == 1 and after > spec_within then return nil, malformed end
      if number == 1 then self.named = true end
      self.fields = self.fields + 1
      if self.fields > fields_max then return nil, malformed end
      next = after
      p = after - base + 1
    end
    if next == base then
      if base + n >= stop then return nil, malformed end
      break
    end
    want = next - base < chunk_bytes and chunk_bytes or head_bytes_max
  end
  return next
end

-- All of the message is here. INVARIANT: to let all through is to return no value; nil would be 0 bytes.
local function finish(self, txn, msg, seen, ends)
  local at, stop = self.at, self.stop
  if seen > stop then return refuse(self, txn, msg, malformed) end
  local tail = self.tail
  if ends and not tail then return end
  if ends and msg:append(tail) == #tail then return end
  -- Its last byte waits for the end, or for room.
  self.at = stop - 1
  return stop - 1 - at
end

local function http_payload(self, txn, msg)
  local n, ends = msg:input(), msg:eom()
  if ends then
    -- What HAProxy counts may hold more than the body: one for an end that came by itself, more for trailers.
    local here = #(msg:body() or '')
    if n > here + 1 then return refuse(self, txn, msg, malformed) end
    n = here
  end
  if not self.stop then
    local stop = frame(self, msg)
    if stop == nil then return 0 end
    if not stop then return refuse(self, txn, msg, malformed) end
    self.stop = stop
    n = n + self.grown
    self.next = self.kind == 'n' and stop or 5
  end
  local seen = self.at + n
  local next, why = walk(self, msg, seen)
  if not next then return refuse(self, txn, msg, why) end
  self.next = next
  local stop = self.stop
  if next == stop and seen >= stop then return finish(self, txn, msg, seen, ends) end
  if ends then return refuse(self, txn, msg, malformed) end
  -- A head of which a part is here stays until the rest is.
  local pass = (next < seen and next or seen) - self.at
  self.at = self.at + pass
  return pass
end

local function http_headers(self, txn, msg)
  self.http_headers = nil
  -- Refused already: lua.refuse takes in what is left.
  if txn:get_var('txn.g.gs') then return CONTINUE end
  self.kind = sub(txn:get_var('txn.msg') or '', 1, 1)
  self.append = txn:get_var('txn.append')
  register(self, msg.channel)
  return CONTINUE
end

local Message = { id = 'gRPC message', flags = filter.FLT_CFG_FL_HTX }
Message.http_headers = http_headers
Message.http_payload = http_payload
-- HAProxy asks the class whether there is one, and the instance which.
Message.http_end = fail
function Message:new() return { at = 0, grown = 0, fields = 0, named = false, http_headers = http_headers, http_payload = http_payload } end
core.register_filter('message', Message, function(class) return class end)

-- converter lua.details(reason): of a request's id the bytes of the google.rpc.Status that its refusal carries: wire/rpc-status.ts once
-- more, because lengths within it depend on the id. `id;seconds`: with a RetryInfo; the seconds may stand in the row of denials.lua, too.
local char = string.char

local function varint(number)
  local bytes = ''
  while number > 127 do
    bytes = bytes .. char(number & 127 | 128)
    number = number >> 7
  end
  return bytes .. char(number)
end

local function field(tag, bytes) return char(tag << 3 | 2) .. varint(#bytes) .. bytes end
local function number(tag, value) return char(tag << 3) .. varint(value) end

local function any(name, value)
  return field(3, field(1, 'type.googleapis.com/google.rpc.' .. name) .. field(2, value))
end

local function details(text, reason)
  local id, told = text:match('^([^;]*);?(%d*)$')
  local row = headgate.denials[reason]
  local info = field(1, row.reason) .. field(2, headgate.domain) .. field(3, field(1, 'request_id') .. field(2, id))
  local status = number(1, row.code) .. field(2, row.sentence .. ' (' .. id .. ')') .. any('ErrorInfo', info)
  local seconds = math.tointeger(tonumber(told)) or row.seconds
  if seconds then status = status .. any('RetryInfo', field(1, number(1, seconds))) end
  return status
end

headgate.details = details
core.register_converters('details', details)

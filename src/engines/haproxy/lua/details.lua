-- converter lua.details(reason): of a request's id the bytes of the google.rpc.Status that its refusal carries: wire/rpc-status.ts once
-- more, because lengths within it depend on the id. `id;seconds`: with a RetryInfo; the seconds may stand in the row of denials.lua, too.
-- converter lua.fault_details(code): the same of `id;sentence`, for what a service has done.
local char = string.char
local varint = headgate.varint

local function field(tag, bytes) return char(tag << 3 | 2) .. varint(#bytes) .. bytes end
local function number(tag, value) return char(tag << 3) .. varint(value) end

local function any(name, value)
  return field(3, field(1, 'type.googleapis.com/google.rpc.' .. name) .. field(2, value))
end

local function status(id, code, sentence, reason)
  local info = field(1, reason) .. field(2, headgate.domain) .. field(3, field(1, 'request_id') .. field(2, id))
  return number(1, code) .. field(2, sentence .. ' (' .. id .. ')') .. any('ErrorInfo', info)
end

local function details(text, reason)
  local id, told = text:match('^([^;]*);?(%d*)$')
  local row = headgate.denials[reason]
  local bytes = status(id, row.code, row.sentence, row.reason)
  local seconds = math.tointeger(tonumber(told)) or row.seconds
  if seconds then bytes = bytes .. any('RetryInfo', field(1, number(1, seconds))) end
  return bytes
end

local function fault_details(text, code)
  local id, sentence = text:match('^([^;]*);(.*)$')
  return status(id, math.tointeger(tonumber(code)), sentence, headgate.fault_reason)
end

headgate.details, headgate.fault_details = details, fault_details
core.register_converters('details', details)
core.register_converters('fault_details', fault_details)

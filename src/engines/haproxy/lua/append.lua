-- What is appended to a message so that another version runs: wire/chosen-version.ts once more.
local char, sub = string.char, string.sub
local tag, value, whole = headgate.tag, headgate.value, headgate.whole

local function varint(number)
  local bytes = ''
  while number > 127 do
    bytes = bytes .. char(number & 127 | 128)
    number = number >> 7
  end
  return bytes .. char(number)
end

-- The ModelSpec of a walked message of which the beginning is here: where its value starts and ends. s starts with the frame's head.
local function spec_in(s)
  local p = 6
  while true do
    local number, wire, q = tag(s, p)
    local first, length = value(s, wire, q)
    if number == 1 then return first, first + length end
    p = first + length
  end
end

-- s: the walked message, or its beginning, as far as lua.message has read it; `version`: decimal digits.
function headgate.chosen_version(s, version)
  local p, stop = spec_in(s)
  local fields = ''
  while p < stop do
    local number, wire, q = tag(s, p)
    local _, after = whole(s, wire, q, stop)
    if number ~= 2 and number ~= 4 then fields = fields .. sub(s, p, after - 1) end
    p = after
  end
  local number = varint(math.tointeger(tonumber(version)))
  fields = fields .. '\x12' .. char(#number + 1) .. '\x08' .. number
  return '\x0a' .. varint(#fields) .. fields
end

-- Fields of protobuf (encoding: "Message structure"), read strictly: whatever two parsers could read in two ways is malformed.
local byte, char = string.byte, string.char

headgate = {
  -- A ModelSpec or an inference task is at most this long, and ends within so many bytes of the body. std/limits.ts has the same.
  spec_bytes_max = 1024,
  spec_within = 16384,
  -- Fields of a message.
  fields_max = 4096,
  -- Of a field: a tag of five bytes and a varint of ten.
  head_bytes_max = 15,
}

-- A tag or a length: 32 bits in at most five bytes, in its shortest form. Value and where it ends; nil: cut short; false: malformed.
local function short(s, p)
  local b = byte(s, p)
  if not b then return nil end
  if b < 128 then return b, p + 1 end
  local value = b & 127
  for i = 1, 4 do
    b = byte(s, p + i)
    if not b then return nil end
    value = value | (b & 127) << 7 * i
    if b < 128 then
      if b == 0 or value > 0xffffffff then return false end
      return value, p + i + 1
    end
  end
  return false
end

-- The tag at p: number, wire type, where it ends. nil: it is cut short; false: malformed. Numbers below 16 are length-delimited, or
-- malformed, where the caller says so: see wire/protobuf-fields.ts.
local function tag(s, p)
  local value, q = short(s, p)
  if not value then return value end
  local number, wire = value >> 3, value & 7
  if number == 0 or wire > 5 or wire == 3 or wire == 4 then return false end
  return number, wire, q
end

-- The value behind a tag: where it starts, and how many bytes of it there are.
local function value(s, wire, q)
  if wire == 2 then
    local length, first = short(s, q)
    if not length then return length end
    return first, length
  elseif wire == 0 then
    for r = q, q + 9 do
      local b = byte(s, r)
      if not b then return nil end
      if b < 128 then return q, r - q + 1 end
    end
    return false
  end
  return q, wire == 1 and 8 or 4
end

-- The next field of a message that is here whole, from p to stop, once its tag is read: where its value starts and ends.
local function whole(s, wire, q, stop)
  local first, length = value(s, wire, q)
  if not first or first + length > stop then return nil end
  return first, first + length
end

headgate.tag, headgate.value, headgate.whole = tag, value, whole

-- A number as protobuf writes it, in its shortest form.
function headgate.varint(number)
  local bytes = ''
  while number > 127 do
    bytes = bytes .. char(number & 127 | 128)
    number = number >> 7
  end
  return bytes .. char(number)
end

-- Fields of protobuf (encoding: "Message structure"), read strictly: whatever two parsers could read in two ways is malformed.
local byte = string.byte

headgate = {
  -- A ModelSpec or an inference task is at most this long, and ends within so many bytes of the body. std/limits.ts has the same.
  spec_bytes_max = 1024,
  spec_within = 16384,
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

-- The field that starts at p: number, wire type, where its value starts, how long that is. nil: its head is cut short; false: malformed.
function headgate.field(s, p)
  local tag, q = short(s, p)
  if not tag then return tag end
  local number, wire = tag >> 3, tag & 7
  if number == 0 then return false end
  if wire == 2 then
    local length, first = short(s, q)
    if not length then return length end
    return number, 2, first, length
  elseif wire == 0 then
    for r = q, q + 9 do
      local b = byte(s, r)
      if not b then return nil end
      if b < 128 then return number, 0, q, r - q + 1 end
    end
  elseif wire == 1 then return number, 1, q, 8
  elseif wire == 5 then return number, 5, q, 4
  end
  return false
end

-- What is appended to a message so that another version runs: wire/chosen-version.ts once more.
local char, sub = string.char, string.sub
local tag, value, whole, varint = headgate.tag, headgate.value, headgate.whole, headgate.varint

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

-- A ModelSpec as field 1, with another version than the one from p to stop.
local function spec_with(s, p, stop, version)
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

-- s: the walked message, or its beginning, as far as lua.message has read it; `version`: decimal digits.
function headgate.chosen_version(s, version)
  local p, stop = spec_in(s)
  return spec_with(s, p, stop, version)
end

-- An inference task as field 1: its ModelSpec with that version, all else as it was.
local function task_with(s, p, stop, version)
  local fields = ''
  while p < stop do
    local number, wire, q = tag(s, p)
    local first, after = whole(s, wire, q, stop)
    fields = fields .. (number == 1 and spec_with(s, first, after, version) or sub(s, p, after - 1))
    p = after
  end
  return '\x0a' .. varint(#fields) .. fields
end

-- Tasks are a list: what is appended would be one task more. So each gets the version in its place. What stands behind the frame's head up
-- to the end of the last task, anew; and how many bytes it was.
function headgate.versioned_tasks(s, version)
  local fields, done = '', 6
  local p = 6
  while p <= #s do
    local number, wire, q = tag(s, p)
    local first, length = value(s, wire, q)
    if not first then break end
    local after = first + length
    if number == 1 then
      fields = fields .. sub(s, done, p - 1) .. task_with(s, first, after, version)
      done = after
    end
    p = after
  end
  return fields, done - 6
end

-- wrk's script: POST predict, each call with the next of the tokens in a file (one a line).
-- wrk … -- TOKENS COUNT FIRST PATH BODY
local requests, at = {}, 0

function init(args)
  local path, body = args[4], args[5]
  at = tonumber(args[3])
  for token in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format('POST', path, {
      ['Host'] = 'models.example.test',
      ['Content-Type'] = 'application/json',
      ['Authorization'] = 'Bearer ' .. token,
    }, body)
    if #requests == tonumber(args[2]) then break end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d %d\n', summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end

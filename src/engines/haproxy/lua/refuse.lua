-- service lua.refuse: takes in the rest of a gRPC call's body, then answers with what stands in `txn.g.gs` (grpc-status),
-- `txn.g.gm` (grpc-message), `txn.g.gd` (grpc-status-details-bin), `txn.g.retry` (seconds for retry-after, if any) and `txn.g.policy`
-- (ratelimit-policy, if any), by the gate or by a rule. An answer to a body that is still under way is followed by a reset
-- (RST_STREAM, CANCEL), for which clients forget the answer. Beyond the bound they have to: nobody may have HAProxy read for ever.
local piece, most = 65536, 64 * 1048576

local function refuse(applet)
  local left = most
  repeat
    local n = #(applet:receive(piece) or '')
    left = left - n
  until n == 0 or left <= 0
  applet:set_status(200)
  applet:add_header('content-type', 'application/grpc')
  applet:add_header('content-length', '0')
  applet:add_header('grpc-status', tostring(applet:get_var('txn.g.gs')))
  applet:add_header('grpc-message', applet:get_var('txn.g.gm') or '')
  local details = applet:get_var('txn.g.gd')
  if details then applet:add_header('grpc-status-details-bin', details) end
  local again = applet:get_var('txn.g.retry')
  if again then applet:add_header('retry-after', tostring(again)) end
  local policy = applet:get_var('txn.g.policy')
  if policy then applet:add_header('ratelimit-policy', policy) end
  applet:start_response()
end

core.register_service('refuse', 'http', refuse)

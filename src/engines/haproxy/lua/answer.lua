-- service lua.answer: refuses a gRPC call whose client may still be sending, at once, with what stands in `txn.g.gs` (grpc-status),
-- `txn.g.gm` (grpc-message), `txn.g.retry` (seconds for retry-after, if any) and `txn.g.policy` (ratelimit-policy, if any). What the
-- client still sends is dropped until it ends its side, as gRPC clients do when they have read the answer. A rule's own answer (`return`)
-- would be followed by a reset in the same breath (RST_STREAM, CANCEL), which clients in C++ and Python take for the status of the call.
local function answer(applet)
  applet:set_status(200)
  applet:add_header('content-type', 'application/grpc')
  applet:add_header('content-length', '0')
  applet:add_header('grpc-status', tostring(applet:get_var('txn.g.gs')))
  applet:add_header('grpc-message', applet:get_var('txn.g.gm') or '')
  local again = applet:get_var('txn.g.retry')
  if again then applet:add_header('retry-after', tostring(again)) end
  local policy = applet:get_var('txn.g.policy')
  if policy then applet:add_header('ratelimit-policy', policy) end
  applet:start_response()
end

core.register_service('answer', 'http', answer)

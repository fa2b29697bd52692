-- service lua.answer: refuses a gRPC call whose client may still be sending, at once: with the gate's words where it has refused
-- (`txn.g.gs`, grpc-status, `txn.g.gm`, grpc-message, `txn.g.gd`, grpc-status-details-bin), else for the reason in `txn.gr`; and with
-- `txn.g.retry` (seconds for retry-after, if any) and `txn.g.policy` (ratelimit-policy, if any). What the client still sends is dropped
-- until it ends its side, as gRPC clients do when they have read the answer. A rule's own answer (`return`) would be followed by a reset
-- in the same breath (RST_STREAM, CANCEL), which clients in C++ and Python take for the status of the call.
local function words(applet)
  local status = applet:get_var('txn.g.gs')
  if status then return tostring(status), applet:get_var('txn.g.gm') or '', applet:get_var('txn.g.gd'), applet:get_var('txn.g.retry') end
  local reason, id = applet:get_var('txn.gr'), applet.f:unique_id()
  local row = headgate.denials[reason]
  local again = applet:get_var('txn.g.retry') or row.seconds
  local details = headgate.details(again and id .. ';' .. again or id, reason)
  return tostring(row.code), row.sentence .. ' (' .. id .. ')', applet.c:base64(details), again
end

local function answer(applet)
  local status, message, details, again = words(applet)
  applet:set_status(200)
  applet:add_header('content-type', 'application/grpc')
  applet:add_header('content-length', '0')
  applet:add_header('grpc-status', status)
  applet:add_header('grpc-message', message)
  if details then applet:add_header('grpc-status-details-bin', details) end
  if again then applet:add_header('retry-after', tostring(again)) end
  local policy = applet:get_var('txn.g.policy')
  if policy then applet:add_header('ratelimit-policy', policy) end
  applet:start_response()
end

core.register_service('answer', 'http', answer)

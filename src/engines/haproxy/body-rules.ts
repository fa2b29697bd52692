import { unsizedBodyBytesMax, unsizedBodyTimeoutMs } from '../../std/limits.ts';
import { all, type Condition, call, type Directive, directive, format, not, test } from './print.ts';
import { answerWords, returnWords } from './refusals.ts';
import { isFound, request, variable } from './words.ts';

/** The kind of the last block of a request whose length is not declared; set for those alone. */
const tail = 'txn.tail';
const isHeld = isFound(tail);
/** Nothing came after the header fields: there is no body. */
const isBodiless = test(variable(tail), 'str', 'HTX_BLK_EOH');

/**
 * A request that this holds for is held whole. It is the one test that a call with a declared length pays for here; a call without
 * a body and without a length (GET) fails it, too, and isn't waited for.
 */
const isUnsized: Condition = not(test(call('req.fhdr', 'content-length'), 'found'));

/**
 * A body without a declared length is held whole and gets one: so its chunks end here, and with them its trailers, which nobody
 * has looked at. HAProxy writes no trailers into a message with a length. What doesn't fit is 411.
 * INVARIANT: a length is set only where the message has ended (`has_eom`), and counts the bytes that are there (`body_len`). Never
 * `body_size`: it adds what a content-length beside chunks has claimed, and the service would wait for that, or read it from the next call.
 */
export function unsizedBodyRules(): Directive[] {
  const size = call('req.body_len');
  const isWhole = test(call('internal.htx.has_eom'), undefined);
  const enough = unsizedBodyBytesMax + 1;
  return [
    directive(request('wait-for-body', 'time', `${unsizedBodyTimeoutMs}ms`, 'at-least', enough), isUnsized),
    directive(request(`set-var(${tail})`, call('internal.htx_blk.type', 'tail')), isUnsized),
    directive(returnWords('length-required'), all(isHeld, test(size, 'int', 'gt', unsizedBodyBytesMax))),
    // The client left in the middle of it, or its trailers are larger than any buffer.
    directive(returnWords('request-malformed'), all(isHeld, not(isWhole))),
    directive(request('set-header', 'content-length', format({ sample: size })), all(isHeld, not(isBodiless))),
    directive(request('del-header', 'transfer-encoding'), isHeld),
  ];
}

/** The answer to a body that doesn't come; unlike one to a head that doesn't, it holds the request's id. */
export function lateBodyLine(): Directive {
  return directive(['http-error', 'status', 408, ...answerWords('request-timeout')]);
}

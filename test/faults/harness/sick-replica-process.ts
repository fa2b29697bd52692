import { createServer, type RequestListener } from 'node:http';
import type { SickMode, SickOrder } from './sick-replica.ts';

/** How late a slow one answers; longer than the deadlines of these tests. */
const slowMs = 3000;

/** The program of a replica that answers as it is told to: it tells of every prediction that reaches it, by its model. */
const [port = 0, backlog = 0] = process.argv.slice(2).map(Number);
let mode: SickMode = 'well';
process.on('disconnect', () => process.exit());

const answer: RequestListener = (request, response) => {
  const [, model = '', verb] = /^\/v1\/models\/([^/:?]+)[^:]*(:predict)?/.exec(request.url ?? '') ?? [];
  if (verb !== undefined) process.send?.({ model });
  if (mode === 'silent') return;
  response.setHeader('content-type', 'application/json').setHeader('x-replica', String(port));
  const isQuestion = verb === undefined;
  request.resume().on('end', () => {
    if (isQuestion) response.end(available);
    else if (mode === 'busy') response.writeHead(503).end('{"error":"too many requests"}');
    else setTimeout(() => response.end('{"predictions":[1]}'), mode === 'slow' ? slowMs : 0);
  });
};

const available = JSON.stringify({
  model_version_status: [{ version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }],
});

process.on('message', (order: SickOrder) => {
  // What it has left without an answer stays so: those that asked have gone.
  mode = order.mode;
  process.send?.({ mode });
});
createServer({ keepAliveTimeout: 60_000 }, answer).listen({ port, host: '127.0.0.1', backlog }, () =>
  process.send?.('ready'),
);

// A small gRPC service, and a client for it: `node orders.mjs` says how they are called.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, loadPackageDefinition, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { Orders } = loadPackageDefinition(loadSync(join(import.meta.dirname, 'orders.proto'))).acme.orders.v1;
const usage = `node orders.mjs serve [HOST:PORT]
node orders.mjs get ID | place ITEM | import ITEM… | watch [--key FILE] [--at HOST:PORT]
`;

function serve(address = '127.0.0.1:50051') {
  const orders = new Map([['1', { id: '1', item: 'tea', state: 'placed' }]]);
  const watching = new Set();
  const place = ({ item }) => {
    const order = { id: String(orders.size + 1), item, state: 'placed' };
    orders.set(order.id, order);
    for (const call of watching) call.write(order);
    return order;
  };
  const server = new Server();
  server.addService(Orders.service, {
    Get({ request }, answer) {
      const order = orders.get(request.id);
      answer(order ? null : { code: status.NOT_FOUND, details: `no order ${request.id}` }, order);
    },
    Place: ({ request }, answer) => answer(null, { id: place(request).id }),
    Import(call, answer) {
      let count = 0;
      call.on('data', (order) => {
        place(order);
        count += 1;
      });
      call.on('end', () => answer(null, { orders: count }));
    },
    Watch(call) {
      for (const order of orders.values()) call.write(order);
      watching.add(call);
      for (const end of ['cancelled', 'close', 'error']) call.on(end, () => watching.delete(call));
    },
  });
  server.bindAsync(address, ServerCredentials.createInsecure(), (fault, port) => {
    if (fault) throw fault;
    console.log(`orders are served on ${address.replace(/:\d+$/, '')}:${port}`);
  });
}

/** Says what came, or how it ended. */
function told(fault, answer) {
  if (fault === null) console.log(JSON.stringify(answer));
  else {
    console.error(`${status[fault.code]}: ${fault.details}`);
    process.exitCode = 1;
  }
}

async function call(verb, words, { key, at = '127.0.0.1:8080' }) {
  const client = new Orders(at, credentials.createInsecure());
  const metadata = new Metadata();
  if (key) metadata.set('authorization', `Bearer ${readFileSync(key, 'utf8').trim()}`);
  const deadline = { deadline: Date.now() + 10_000 };
  if (verb === 'get') client.Get({ id: words[0] }, metadata, deadline, told);
  else if (verb === 'place') client.Place({ item: words.join(' ') }, metadata, deadline, told);
  else if (verb === 'import') {
    const stream = client.Import(metadata, deadline, told);
    for (const item of words) {
      stream.write({ item });
      await sleep(1);
    }
    stream.end();
  } else if (verb === 'watch') {
    const stream = client.Watch({}, metadata);
    stream.on('data', (order) => told(null, order));
    stream.on('error', (fault) => told(fault));
  } else {
    process.stderr.write(usage);
    process.exitCode = 2;
  }
}

const words = process.argv.slice(2);
const options = {};
for (
  let at = words.findIndex((word) => word.startsWith('--'));
  at >= 0;
  at = words.findIndex((word) => word.startsWith('--'))
) {
  const [name, value] = words.splice(at, 2);
  options[name.slice(2)] = value;
}
const [verb, ...rest] = words;
if (verb === 'serve') serve(rest[0]);
else await call(verb, rest, options);

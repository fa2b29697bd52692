import { createServer } from 'node:http';
import { ServingReplica } from '../../support/serving-replica.ts';
import type { LoadedModels } from './replica.ts';

/** The program of a replica: answers everything, or for its models once they are loaded; and names its port. */
const [portText = '', models] = process.argv.slice(2);
const port = Number(portText);
if (models === undefined) answerEverything();
else await load(JSON.parse(models) as LoadedModels);
process.on('disconnect', () => process.exit());

function answerEverything(): void {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json').setHeader('x-replica', String(port));
      response.end('{"predictions":[1]}');
    });
  });
  server.listen(port, '127.0.0.1', () => process.send?.('ready'));
}

async function load(wanted: LoadedModels): Promise<void> {
  const replica = await ServingReplica.start({ port });
  for (const [model, { version, loadMs }] of Object.entries(wanted)) {
    replica.set(model, version, loadMs === 0 ? 'AVAILABLE' : 'LOADING');
    if (loadMs > 0) setTimeout(() => replica.set(model, version, 'AVAILABLE'), loadMs);
  }
  process.send?.('ready');
}

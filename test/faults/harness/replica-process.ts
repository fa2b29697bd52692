import { createServer } from 'node:http';

/** The program of a replica: answers everything, and names its port. */
const port = Number(process.argv[2]);
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').setHeader('x-replica', String(port));
    response.end('{"predictions":[1]}');
  });
});
server.listen(port, '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit());

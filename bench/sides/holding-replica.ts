import { createServer, type ServerHttp2Stream } from 'node:http2';

/**
 * A gRPC service over h2c: `…Hold` answers with a head and leaves the stream open, `…Flood` sends as many bytes of messages as its
 * second argument says, everything else is answered with one message. Run as: node holding-replica.ts PORT FLOOD_BYTES
 */
const [port, floodBytes = 0] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(65_536);
message.writeUInt32BE(message.length - 5, 1);
const ok = { 'grpc-status': '0' };

const server = createServer({ maxSessionMemory: 1000, settings: { maxConcurrentStreams: 1000 } });
server.on('stream', (stream, headers) => {
  stream.on('error', () => undefined);
  const path = headers[':path'] ?? '';
  if (path.endsWith('Hold')) {
    stream.respond({ 'content-type': 'application/grpc' });
    stream.resume();
    return;
  }
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(ok));
  stream.resume();
  if (path.endsWith('Flood')) flood(stream, floodBytes);
  else stream.end(Buffer.alloc(5));
});
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

/** As fast as it is taken. */
function flood(stream: ServerHttp2Stream, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      left -= message.length;
      if (!stream.write(message)) {
        stream.once('drain', more);
        return;
      }
    }
    stream.end();
  };
  more();
}

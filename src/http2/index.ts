export { ClientConnection, type ClientHandlers, type RequestOptions } from './client-connection.ts';
export { clientPreface, errorCodes } from './codes.ts';
export type { ConnectionOptions } from './connection.ts';
export type { Head } from './head.ts';
export { type KeepAlive, PeerWatch } from './peer-watch.ts';
export { ServerConnection, type ServerHandlers } from './server-connection.ts';
export { Stream, type StreamEvents } from './stream.ts';
export { Turn } from './turn.ts';

import { Environment } from '@marcbachmann/cel-js';
import { registerOwn } from './cel-own.ts';
import { zonedMethods } from './zoned-time.ts';

/** Longest condition. Characters. */
export const celCharactersMax = 2048;
/** Most nodes of a condition's syntax tree. */
export const celNodesMax = 256;
/** Deepest nesting of a condition. */
export const celDepthMax = 32;

const timestamp = 'google.protobuf.Timestamp';

/** What a condition may read: the roots that have fields, and their types. */
export const celRoots = {
  request: {
    method: 'string',
    path: 'string',
    host: 'string',
    address: 'string',
    time: timestamp,
    headers: 'map<string, string>',
  },
  caller: {
    known: 'bool',
    subject: 'string',
    issuer: 'string',
    identity: 'string',
    groups: 'list<string>',
    client: 'string',
  },
  origin: {
    known: 'bool',
    subject: 'string',
    issuer: 'string',
    identity: 'string',
    groups: 'list<string>',
    client: 'string',
  },
  resource: { service: 'string', model: 'string', version: 'string' },
  queue: { waiting: 'int', inFlight: 'int' },
} as const satisfies Record<string, Record<string, string>>;

/** What a condition may read without a field: all are strings. */
export const celWords = ['action', 'operation', 'environment'] as const;

/** Functions `f(x)`; `int` of a text. Regular expressions, conversions to `dyn` and everything else of the library stay out. */
export const celFunctions: ReadonlySet<string> = new Set(['size', 'timestamp', 'duration', 'int']);

/** Methods `x.f(y)` without a time zone. */
export const celMethods: ReadonlySet<string> = new Set([
  ...['size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'substring', 'indexOf', 'lastIndexOf'],
  ...['trim', 'getMilliseconds', ...zonedMethods.keys()],
]);

/** Methods that walk a list with a variable. One must not stand inside another: that bounds the cost. */
export const celWalks: ReadonlySet<string> = new Set(['exists', 'exists_one', 'all']);

/** The library, told of our vocabulary. */
export const celEnvironment = makeEnvironment();

function makeEnvironment(): Environment {
  const environment = new Environment({ limits: { maxAstNodes: celNodesMax, maxDepth: celDepthMax } });
  for (const [name, schema] of Object.entries(celRoots)) environment.registerVariable(name, { schema });
  for (const name of celWords) environment.registerVariable(name, 'string');
  registerOwn(environment);
  return environment;
}

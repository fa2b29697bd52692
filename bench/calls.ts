import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callPaths, callsAnswerBytes } from './call-paths.ts';
import { streamings, streamLoad, writeStream } from './call-streams.ts';
import { type Figure, figureOfCosts } from './figures.ts';
import type { GrpcComparison, GrpcOptions } from './grpc.ts';
import { grpcLoad } from './grpc-load.ts';
import { framed } from './grpc-messages.ts';
import { compareOpenStreams } from './open-streams.ts';
import { isInstalled } from './processes.ts';
import { envoyInstall, envoyProgram } from './sides/envoy.ts';
import { type GrpcSetting, startBareGrpcEnvoy, startBareGrpcHaproxy, startCallsReplica } from './sides/grpc.ts';
import { startHeadgateCalls } from './sides/headgate-calls.ts';
import type { Side, SideSetting } from './sides/side.ts';
import { type Cost, measure } from './suite.ts';

/** An engine and what it is held against. */
export interface CallsPair {
  readonly engine: 'haproxy' | 'embedded';
  /** In the names of figures. */
  readonly of: string;
  readonly rival: (setting: GrpcSetting) => Promise<Side>;
}

const haproxy: CallsPair = { engine: 'haproxy', of: 'of-bare', rival: startBareGrpcHaproxy };
const envoy: CallsPair = { engine: 'embedded', of: 'of-bare-envoy', rival: startBareGrpcEnvoy };

const goal = 0.65;
/** Of the message of a unary call. */
const smallBytes = 100;
const streamRounds = 3;
const streamSeconds = 1;
const mbPerSecond = 256;

/** Calls of any gRPC method: unary ones, streams both ways, streams that are only open, and one that is read slowly. */
export async function compareCalls(setting: SideSetting, options: GrpcOptions): Promise<GrpcComparison> {
  const hasEnvoy = isInstalled(envoyProgram);
  const figures: Figure[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, measuring: () => Promise<readonly Figure[]>): Promise<void> => {
    try {
      figures.push(...(await measuring()));
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const pair of hasEnvoy ? [haproxy, envoy] : [haproxy]) {
    const folder = join(setting.folder, `calls-${pair.engine}`);
    mkdirSync(folder);
    await attempt(`${pair.engine}-calls`, () => compareCosts(pair, { ...setting, folder }, options));
    await attempt(`${pair.engine}-open-streams`, () => compareOpenStreams(pair, { ...setting, folder }, options));
  }
  return { figures, failures, notRun: hasEnvoy ? [] : [`embedded-calls: Envoy is missing (${envoyInstall})`] };
}

async function compareCosts(pair: CallsPair, setting: SideSetting, options: GrpcOptions): Promise<Figure[]> {
  const { folder } = setting;
  const message = framed(Buffer.alloc(smallBytes, 'x'));
  const small = join(folder, 'small.grpc');
  writeFileSync(small, message);
  await using stack = new AsyncDisposableStack();
  const use = async (starting: Promise<Side>): Promise<Side> => {
    const side = await starting;
    stack.defer(() => side.process.stop());
    return side;
  };
  const replica = await use(startCallsReplica(folder));
  const own = { ...setting, grpcPort: replica.port, message };
  const sides = { ours: await use(startHeadgateCalls(pair.engine, own)), rival: await use(pair.rival(own)) };
  const figures = [await compareUnary(pair, sides, { ...options, token: setting.token, small })];
  for (const streaming of options.rounds < streamRounds ? streamings.filter(isShort) : streamings) {
    const name = `${pair.engine}-streams/${pair.of}/${streaming.name}`;
    options.log(`— ${name}, by the megabyte —`);
    const isUp = streaming.direction === 'up';
    const load = {
      streaming,
      token: setting.token,
      sent: isUp ? writeStream(folder, streaming) : small,
      answerBytes: isUp ? callsAnswerBytes : streaming.streamBytes,
      mbPerSecond,
    };
    const send = (side: Side, seconds: number) => streamLoad(side, seconds, load);
    const rounds = Math.min(streamRounds, options.rounds);
    const measuring = { ...options, tokenCount: 1, warmRuns: 2, rounds, seconds: streamSeconds, send };
    figures.push(figureOf(name, sides, await measure([sides.ours, sides.rival], measuring)));
  }
  return figures;
}

/** Enough for a quick look: one way over one stream, the other over many. */
function isShort({ name }: { readonly name: string }): boolean {
  return name === 'up-16kB-one' || name === 'down-1MB-many';
}

interface Sides {
  readonly ours: Side;
  readonly rival: Side;
}

interface UnaryOptions extends GrpcOptions {
  readonly token: string;
  /** File of the message. */
  readonly small: string;
}

async function compareUnary(
  pair: CallsPair,
  sides: Sides,
  { token, small, ...options }: UnaryOptions,
): Promise<Figure> {
  const name = `${pair.engine}-calls/${pair.of}/unary`;
  options.log(`— ${name} —`);
  const costs = await measure([sides.ours, sides.rival], {
    ...options,
    tokenCount: 1,
    warmRuns: 6,
    send: ({ port }, seconds) =>
      grpcLoad({
        port,
        token,
        message: small,
        streams: 8,
        seconds,
        path: callPaths.get,
        answerBytes: callsAnswerBytes,
      }),
  });
  return figureOf(name, sides, costs);
}

function figureOf(name: string, { ours, rival }: Sides, costs: ReadonlyMap<string, readonly Cost[]>): Figure {
  const micros = (side: Side): number[] => (costs.get(side.name) ?? []).map((cost) => cost.microsPerRequest);
  return figureOfCosts({ name, goal }, { other: micros(rival), ours: micros(ours) });
}

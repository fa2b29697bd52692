import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, figureOfCosts } from './figures.ts';
import { grpcLoad } from './grpc-load.ts';
import { type GrpcSize, grpcSizes, writeMessage } from './grpc-messages.ts';
import { isInstalled } from './processes.ts';
import { envoyInstall, envoyProgram } from './sides/envoy.ts';
import {
  type GrpcSetting,
  startBareGrpcEnvoy,
  startBareGrpcHaproxy,
  startGrpcReplica,
  untilGrpcReady,
} from './sides/grpc.ts';
import { startHeadgate } from './sides/headgate.ts';
import type { Side, SideSetting } from './sides/side.ts';
import { type Cost, measure } from './suite.ts';
import type { TokenFile } from './tokens.ts';

export interface GrpcOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly tokens: TokenFile;
  readonly log: (line: string) => void;
}

export interface GrpcComparison {
  readonly figures: readonly Figure[];
  readonly notRun: readonly string[];
  readonly failures: readonly string[];
}

interface Pair {
  /** Of the figure, before the size. */
  readonly figure: string;
  /** Whether the engine walks the message itself at this size, or hands it on. */
  readonly how: 'native' | 'assisted';
  readonly goal: number;
  readonly ours: 'haproxy' | 'embedded';
  readonly rival: (setting: GrpcSetting) => Promise<Side>;
}

const haproxy: Pair = {
  figure: 'haproxy-grpc/of-bare',
  how: 'native',
  goal: 0.5,
  ours: 'haproxy',
  rival: startBareGrpcHaproxy,
};
const envoy: Pair = {
  figure: 'embedded-grpc/of-bare-envoy',
  how: 'native',
  goal: 0.6,
  ours: 'embedded',
  rival: startBareGrpcEnvoy,
};

/** Unary gRPC at four sizes: the HAProxy engine beside bare HAProxy, the embedded one beside bare Envoy. */
export async function compareGrpc(setting: SideSetting, options: GrpcOptions): Promise<GrpcComparison> {
  const folder = join(setting.folder, 'grpc');
  mkdirSync(folder);
  const files = new Map(grpcSizes.map((size) => [size.name, writeMessage(folder, size)]));
  const message = readFileSync(files.get('1kB') ?? '');
  const replica = await startGrpcReplica(folder, message);
  const hasEnvoy = isInstalled(envoyProgram);
  const figures: Figure[] = [];
  const failures: string[] = [];
  try {
    for (const pair of hasEnvoy ? [haproxy, envoy] : [haproxy]) {
      const own = { ...setting, folder, grpcPort: replica.port, message };
      try {
        figures.push(...(await comparePair(pair, own, { ...options, files })));
      } catch (error) {
        failures.push(`${pair.figure}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    await replica.process.stop();
  }
  return { figures, failures, notRun: hasEnvoy ? [] : [`${envoy.figure}: Envoy is missing (${envoyInstall})`] };
}

interface PairOptions extends GrpcOptions {
  /** Of messages, by the name of their size. */
  readonly files: ReadonlyMap<string, string>;
}

async function comparePair(pair: Pair, setting: GrpcSetting, options: PairOptions): Promise<Figure[]> {
  const ours = await startHeadgate(pair.ours, setting);
  try {
    await untilGrpcReady(ours, { ...setting, output: join(setting.folder, `${ours.name}.log`) });
    const rival = await pair.rival(setting);
    try {
      const figures: Figure[] = [];
      for (const size of grpcSizes)
        figures.push(await compareAt(size, { pair, ours, rival }, { ...options, token: setting.token }));
      return figures;
    } finally {
      await rival.process.stop();
    }
  } finally {
    await ours.process.stop();
  }
}

interface Sides {
  readonly pair: Pair;
  readonly ours: Side;
  readonly rival: Side;
}

async function compareAt(
  size: GrpcSize,
  { pair, ours, rival }: Sides,
  options: PairOptions & { readonly token: string },
): Promise<Figure> {
  const { log, token, files } = options;
  const name = `${pair.figure}/${size.name}-${pair.how}`;
  log(`— ${name} —`);
  const message = files.get(size.name) ?? '';
  const costs = await measure([ours, rival], {
    ...options,
    tokenCount: 1,
    // What serves a call compiles in the first seconds.
    warmRuns: size === grpcSizes[0] ? 4 : 1,
    send: ({ port }, seconds) => grpcLoad({ port, token, message, streams: size.streams, seconds }),
  });
  const micros = (side: Side): number[] => (costs.get(side.name) ?? []).map((cost: Cost) => cost.microsPerRequest);
  return figureOfCosts({ name, goal: pair.goal }, { other: micros(rival), ours: micros(ours) });
}

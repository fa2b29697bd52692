import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAudit, sentence } from '../src/audit/index.ts';
import { explain } from '../src/cli/index.ts';
import { ControlFault, engineNames } from '../src/control/index.ts';
import type { EngineName } from '../src/plan/index.ts';
import { firstCall } from './calls.ts';
import { firstCallText, headingText, pasteText, writeTokens } from './guide.ts';
import { runOnce } from './once.ts';
import { policyFile, startWorld, type World } from './world.ts';

/**
 * `npm start`: a gateway in front of two replicas, to play with.
 *   --engine haproxy   on HAProxy instead
 *   --once             makes the calls by itself and ends; 0 only if all are as the policy says
 *   --apart            free ports and a folder of its own
 */
const options = {
  engine: { type: 'string' },
  once: { type: 'boolean', default: false },
  apart: { type: 'boolean', default: false },
} as const;

process.chdir(join(import.meta.dirname, '..'));
const ended = untilSignalled();
try {
  process.exitCode = await main();
} catch (fault) {
  console.error(`demo: ${fault instanceof Error ? fault.message : fault}`);
  const hint = fault instanceof ControlFault ? hintOf(fault) : undefined;
  if (hint !== undefined) console.error(`  hint: ${hint}`);
  process.exitCode = 1;
}
process.exit();

/** The demo's own addresses are mended by its own option. */
function hintOf({ code, hint }: ControlFault): string | undefined {
  return code === 'address-taken' ? '`npm start -- --apart` takes free ports' : hint;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  const engine = await engineOf(values.engine);
  const world = await startWorld({ engine, apart: values.apart, log: (line) => console.error(line.trimEnd()) });
  try {
    if (values.once) return await once(world);
    await show(world);
    return 0;
  } finally {
    await world.stop();
  }
}

/** HAProxy gets installed where that can be done: the demo is to run by one command. */
async function engineOf(name: string | undefined): Promise<EngineName | undefined> {
  const engine = engineNames.find((each) => each === name);
  if (name !== undefined && engine === undefined)
    throw new Error(`--engine is ${engineNames.join(' or ')}, not ${name}`);
  if (engine !== 'haproxy') return engine;
  const { ensureSystemPackages } = await import('../scripts/system-packages.mjs');
  const [missing] = ensureSystemPackages(['haproxy']);
  if (missing !== undefined) throw new Error(`HAProxy is missing. To install it: ${missing.remedy}`);
  return engine;
}

async function once(world: World): Promise<number> {
  console.log(headingText(world));
  const faults = await runOnce(world, (line) => console.log(line));
  if (faults.length === 0) console.log('all as the policy says');
  else for (const fault of faults) console.error(`NOT as the policy says: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

async function show(world: World): Promise<void> {
  const startedMs = Date.now();
  const { environmentFile } = world;
  console.log(`${headingText(world)}\n\nOne call, and why it was let through:\n`);
  console.log(await firstCallText(world));
  const call = `${firstCall.method} ${firstCall.path}`;
  const as = `staff:client=${firstCall.as}`;
  console.log(`\n$ ./headgate explain -p ${policyFile} -e ${environmentFile} --as ${as} --call '${call}'`);
  const terminal = {
    out: (text: string) => console.log(text),
    err: (text: string) => console.error(text),
    colour: false,
  };
  await explain({ policy: policyFile, environment: environmentFile, as, call }, terminal);
  console.log(pasteText(world, await writeTokens(world)));
  console.log('\nThe audit, as it grows (Ctrl-C ends all):');
  const stop = new AbortController();
  void ended.then(() => stop.abort());
  void world.headgate.failed.then((fault) => {
    console.error(`the gateway broke down: ${fault.message}`);
    stop.abort();
  });
  const { directory } = world.headgate.plan().audit;
  for await (const event of readAudit(directory, { follow: true, sinceMs: startedMs, signal: stop.signal })) {
    console.log(sentence(event, { local: true }));
  }
  console.log('\nending');
}

function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

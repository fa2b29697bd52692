import { Command } from 'commander';
import { version } from '../control/index.ts';
import { type AuditOptions, audit, auditVerify } from './audit.ts';
import { type CheckOptions, check } from './check.ts';
import { type CompileOptions, compile } from './compile.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type ExplainOptions, explain } from './explain.ts';
import { defaultPolicy, withEnvironment, withFiles } from './files.ts';
import { addKey } from './key.ts';
import { type ReloadOptions, reload } from './reload.ts';
import { type StatusOptions, status } from './status.ts';
import type { Terminal } from './terminal.ts';
import { type TestOptions, test } from './test.ts';
import { type TopOptions, top } from './top.ts';
import { type UpOptions, up } from './up.ts';

const codesText = `
Exit codes: ${exitCodes.ok} done, or allowed; ${exitCodes.no} errors in the files, refused, a failed test, not intact, or not ready;
${exitCodes.usage} not understood, or a file that can't be read; ${exitCodes.failed} could not start, broke down, or can't be reached.`;

/** All verbs. `end` gets the exit code. */
export function program(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const root = new Command('headgate')
    .description('An identity-aware gateway: one access policy, enforced on the proxy you already run.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help says what there is)')
    .addHelpText('after', codesText);
  const parts: Verb = { root, terminal, end };
  addFileVerbs(parts);
  addTest(parts);
  addExplain(parts);
  addAudit(parts);
  addKey(parts);
  addStatus(parts);
  addTop(parts);
  addReload(parts);
  return root;
}

interface Verb {
  readonly root: Command;
  readonly terminal: Terminal;
  readonly end: (code: ExitCode) => void;
}

function addFileVerbs({ root, terminal, end }: Verb): void {
  withFiles(root.command('up'))
    .description('run the gateway until it is told to end, taking up changes of both files')
    .option('--grace <duration>', 'time for calls in flight when it ends', '10s')
    .action(async (options: UpOptions) => end(await up(options, terminal)));
  withFiles(root.command('check'))
    .description('say all that is wrong with both files, or what they come to')
    .option('--json', 'diagnostics as JSON on standard output')
    .option('--lock', 'write access.lock: who reaches what, in all environments beside the policy')
    .option('--ci', 'with --lock: write nothing, fail where it is stale (default where CI=true)')
    .option('--no-ci', 'with --lock: write it, also where CI=true')
    .option('-w, --watch', 'again whenever one of the files changes')
    .action(async (options: CheckOptions) => end(await check(options, terminal)));
  withFiles(root.command('compile'))
    .description('print the Plan; with --out write what the engine will run')
    .option('-o, --out <folder>', "write the engine's files and plan.json there")
    .action(async (options: CompileOptions) => end(await compile(options, terminal)));
}

function addTest({ root, terminal, end }: Verb): void {
  root
    .command('test')
    .description('try the tests beside the policy: who may do what, and by which rule')
    .option('-p, --policy <file>', 'the policy', defaultPolicy)
    .option('-t, --tests <file>', 'the tests (default: headgate.test.yaml beside the policy)')
    .option('--min-coverage <percent>', 'fail where tests reach fewer of the rules')
    .option('--junit <file>', 'write a report for CI there')
    .option('--json', 'results as JSON on standard output')
    .option('-w, --watch', 'again whenever one of the files changes')
    .action(async (options: TestOptions) => end(await test(options, terminal)));
}

function addExplain({ root, terminal, end }: Verb): void {
  const gather = (text: string, before: string[]): string[] => [...before, text];
  withFiles(root.command('explain'))
    .description('say what the gate would answer to a call, by which rule, and what the others lack')
    .argument('[id]', 'the id of a request: why it was answered as it was, by the audit')
    .option(
      '--call <"METHOD path">',
      'as in --call "POST /v1/models/finance-prod:predict" or --call "grpc SERVICE/acme.v1.Orders/Get"',
    )
    .option('--as <caller>', 'anonymous (default), IDENTITY:SUBJECT or IDENTITY:client=CLIENT')
    .option('--groups <a,b>', "groups in the caller's token")
    .option('--token-file <file>', 'a real token instead, which is verified; - is standard input')
    .option('--header <"name: value">', 'a header field; may be repeated', gather, [])
    .option('--at <time>', 'the moment, as in 2026-11-21T22:30:00Z (default: now)')
    .option('--listener <name>', 'the listener it comes in by (default: the first)')
    .option('--address <ip>', "the caller's address", '127.0.0.1')
    .option('--queue <waiting=N,inFlight=N>', 'what the queue of the model or its service holds (default: not known)')
    .option('-d, --directory <folder>', "the audit's folder, for an id (default: what the environment says)")
    .option('--json', 'the answer as JSON')
    .action(async (id: string | undefined, options: ExplainOptions) => {
      end(await explain({ ...options, ...(id !== undefined && { id }) }, terminal));
    });
}

function addAudit({ root, terminal, end }: Verb): void {
  const verb = withEnvironment(root.command('audit'))
    .description('read the audit: one sentence a call')
    .option('-d, --directory <folder>', "the audit's folder (default: what the environment says)")
    .option('-f, --follow', 'wait for what comes')
    .option('--json', 'events as they are kept, one a line')
    .option('--since <time>', 'as in 10m, or 2026-11-21T22:30:00Z')
    .option('--caller <subject or id>', 'only calls of this caller')
    .option('--model <name>', 'only calls of this model')
    .option('--rule <name>', 'only calls that this rule decided')
    .option('--outcome <allow|deny>', 'only these')
    .option('--request <id>', 'one call, by the id that its answer carries')
    .option('-n, --last <number>', 'the last so many')
    .option('--local', "times in this machine's zone, not in UTC")
    .action(async (options: AuditOptions) => end(await audit(options, terminal)));
  verb
    .command('verify')
    .description('check that nothing was changed, left out or put in')
    .action(async (_options: object, command: Command) => end(await auditVerify(command.optsWithGlobals(), terminal)));
}

function addStatus({ root, terminal, end }: Verb): void {
  withEnvironment(root.command('status'))
    .description('ask a gateway at work how it is')
    .option('--admin <host:port>', 'its admin address (default: what the environment says)')
    .option('--json', 'all of it as JSON')
    .action(async (options: StatusOptions) => end(await status(options, terminal)));
}

function addReload({ root, terminal, end }: Verb): void {
  withEnvironment(root.command('reload').option('-p, --policy <file>', 'the policy', defaultPolicy))
    .description('wait until a gateway at work has taken up what both files say now, or has refused it')
    .option('--admin <host:port>', 'its admin address (default: what the environment says)')
    .option('--within <duration>', 'how long it may take', '10s')
    .action(async (options: ReloadOptions) => end(await reload(options, terminal)));
}

function addTop({ root, terminal, end }: Verb): void {
  withEnvironment(root.command('top'))
    .description('watch a gateway at work: rates, times, refusals, queues, replicas')
    .option('--admin <host:port>', 'its admin address (default: what the environment says)')
    .option('--interval <duration>', 'between two looks', '2s')
    .option('--once', 'one frame, over one interval (default where standard output is no terminal)')
    .action(async (options: TopOptions) => end(await top(options, terminal)));
}

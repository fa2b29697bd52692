import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runCli } from '../src/cli/testing/run-cli.ts';
import { compile } from '../src/compile/index.ts';
import { eventually } from '../src/control/testing/workshop.ts';
import { parseEnvironment, parsePolicy } from '../src/policy/index.ts';

const root = join(import.meta.dirname, '..');
const example = join(root, 'examples/grpc');
const page = readFileSync(join(root, 'docs/grpc.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);

/** What a command has said so far, and how it ended. */
interface Said {
  text: string;
  code: number | null | undefined;
  readonly child: ChildProcess;
}

/** A copy of the example, on ports that are free, in which the commands of the page are run. */
async function desk(context: TestContext): Promise<{ run(line: string): Promise<Said> }> {
  const folder = mkdtempSync(join(tmpdir(), 'hg-grpc-docs-'));
  const started: Said[] = [];
  context.after(async () => {
    for (const { child, code } of started) if (code === undefined) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  });
  cpSync(example, folder, { recursive: true, filter: (path) => !/\/var|\.key$/.test(path) });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const [gateway, service, admin] = [await freePort(), await freePort(), await freePort()];
  const file = join(folder, 'environments/dev.yaml');
  const ports = { 8080: gateway, 50051: service, 9900: admin };
  const text = readFileSync(file, 'utf8').replace(
    /127\.0\.0\.1:(\d+)/g,
    (_, port: keyof typeof ports) => `127.0.0.1:${ports[port]}`,
  );
  writeFileSync(file, text);
  const run = async (line: string): Promise<Said> => {
    const isLeft = line.endsWith('&');
    const words = line.replace(/ *&$/, '').replace('../../headgate', join(root, 'headgate'));
    const more = /orders\.mjs serve/.test(words)
      ? ` 127.0.0.1:${service}`
      : /orders\.mjs/.test(words)
        ? ` --at 127.0.0.1:${gateway}`
        : '';
    const child = spawn(
      'sh',
      ['-c', `exec ${words.replace(/ > /, `${more} > `)}${words.includes(' > ') ? '' : more}`],
      { cwd: folder },
    );
    const said: Said = { text: '', code: undefined, child };
    started.push(said);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        said.text += part;
      });
    }
    const ended = once(child, 'close').then(([code]) => {
      said.code = code as number | null;
    });
    if (!isLeft) await ended;
    return said;
  };
  return { run };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const secondsMax = 60_000;

describe('docs/grpc.md', () => {
  test('the commands of the five minutes do what the page says', { timeout: 300_000 }, async (context) => {
    const { run } = await desk(context);
    const [commands = ''] = blocks('sh');
    const said = new Map<string, Said>();
    const of = (part: string): Said => [...said].find(([line]) => line.includes(part))?.[1] as Said;
    for (const line of commands.trim().split('\n').slice(1)) {
      // A person reads what a command says before the next; what is open is told of after two seconds.
      if (/ status$/.test(line)) {
        await eventually(async () => /1 open/.test((await run(line)).text), 'the stream is in the status', secondsMax);
      }
      said.set(line, await run(line));
      if (/ serve &$/.test(line))
        await eventually(() => /are served/.test(of('serve').text), 'the service listens', secondsMax);
      if (/ up &$/.test(line))
        await eventually(() => /headgate: ready/.test(of(' up').text), 'it is ready', secondsMax);
      if (/ watch /.test(line))
        await eventually(() => /green tea/.test(of('watch').text), 'the watch shows orders', secondsMax);
      if (/ revoke /.test(line)) await eventually(() => of('watch').code === 1, 'the watch ends', secondsMax);
    }
    assert.match(of(' check').text, /good\n/);
    assert.doesNotMatch(of(' check').text, /warning|note/);
    assert.equal(of('place').text, '{"id":"2"}\n');
    assert.equal(of('get 2 --key shop').text, '{"id":"2","item":"green tea","state":"placed"}\n');
    assert.match(of('get 2 --key dashboard').text, /^PERMISSION_DENIED: No rule of the access policy allows /);
    assert.match(of('watch').text, /^UNAUTHENTICATED: /m);
    assert.match(of(' status').text, /streams orders +1 open.*\n +dashboard: acme\.orders\.v1\.Orders\/Watch since /);
    const audit = of(' audit').text;
    assert.match(
      audit,
      /dashboard \(keys.*\) opened acme\.orders\.v1\.Orders\/Watch of orders: allowed by "dashboards watch"/,
    );
    assert.match(
      audit,
      /called acme\.orders\.v1\.Orders\/Watch of orders: .* ended after .* \(gRPC 16 UNAUTHENTICATED\).*revoked/,
    );
  });

  test('what it shows compiles without a word', () => {
    const [services = '', bindings = ''] = blocks('yaml');
    const head = 'version: 1\nidentity: { staff: { oidc: { audience: headgate } } }\n';
    const groups = 'groups: { employees: [{ staff: any }], platform: [{ staff: { group: platform } }] }\n';
    const policy = parsePolicy(
      `${head}${groups}${services.replace('    descriptors: file:orders.binpb\n', '')}`,
      'headgate.yaml',
    );
    const first =
      'version: 1\nenvironment: dev\nengine: embedded\nidentity: { staff: { issuer: http://127.0.0.1:9000 } }\n';
    const routes = 'routes: [{ path: /acme.chat.v1.Chat/**, service: chat }, { service: orders }]';
    const rest = `listeners: [{ name: public, address: 127.0.0.1:8080, ${routes} }]\naudit: { directory: var/audit, record: required }\nadmin: 127.0.0.1:9900\n`;
    const environment = parseEnvironment(`${first}${rest}${bindings}`, 'dev.yaml');
    assert.deepEqual([...policy.diagnostics, ...environment.diagnostics], []);
    assert.ok(policy.value && environment.value);
    assert.deepEqual(compile(policy.value, environment.value).diagnostics, []);
  });

  test('the example passes check', async () => {
    const { code, out, err } = await runCli(
      'check',
      '-p',
      join(example, 'headgate.yaml'),
      '-e',
      join(example, 'environments/dev.yaml'),
    );
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    assert.match(out, /4 methods/);
  });
});

import { exitCodes } from '../src/cli/exit-codes.ts';
import { type CodeRow, codes } from '../src/diagnostics/index.ts';
import { type DenialReason, type DenialRow, denials } from '../src/gate/denials.ts';
import { errorDomain, errorReason, faultReason, grpcStatusOf } from '../src/gate/index.ts';

/** Ranges of diagnostic codes, in order. */
const ranges: readonly { readonly prefix: string; readonly title: string }[] = [
  { prefix: 'HG10', title: 'The text' },
  { prefix: 'HG11', title: 'The form of both files' },
  { prefix: 'HG12', title: 'Policies' },
  { prefix: 'HG13', title: 'Environments' },
  { prefix: 'HG14', title: 'Tests of a policy' },
  { prefix: 'HG2', title: 'Policy and environment together' },
  { prefix: 'HG3', title: 'Engines' },
  { prefix: 'HG4', title: 'Running' },
];

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'Done. For `explain`: the call is allowed. For `test`: all passed.',
  no: 'The answer is no: errors in the files, a refused call, a test that fails, an audit that is not intact, a gateway that is not ready.',
  usage: 'The command is not understood, or a file that it names cannot be read.',
  failed: 'The gateway could not start, broke down, or cannot be reached.',
};

/** `docs/errors.md`: every refusal that a client sees, every diagnostic, every exit code. */
export function errorsPage(): string {
  const parts = [
    '# Errors',
    'Made by `npm run generate` from the tables in the code; edit those.',
    '## Refusals',
    [
      'What a client gets instead of the answer of the service: a problem document (RFC 9457) with `code` and `requestId`,',
      'or, of a gRPC call, `grpc-status` with the sentence and the id as `grpc-message`, and no body (Trailers-Only). Equal on',
      'every engine. `headgate explain` and the audit tell the operator more.',
    ].join('\n'),
    [
      'For programs a refused gRPC call has `grpc-status-details-bin`: a `google.rpc.Status` with a `google.rpc.ErrorInfo`, whose',
      `\`reason\` is the code in upper snake case (\`${errorReason('credential-expired')}\`), whose \`domain\` is \`${errorDomain}\`, and whose \`metadata\` has the`,
      '`request_id`; where there is a `Retry-After`, with a `google.rpc.RetryInfo` as well. grpcio reads it by',
      `\`rpc_status.from_call\`, grpc-go by \`status.FromError(err).Details()\`. An answer of the service that is no gRPC is \`${faultReason}\`.`,
    ].join('\n'),
    table(['code', 'status', 'grpc-status', 'title', 'sentence', 'fields'], Object.entries(denials).map(denialCells)),
    '## Diagnostics',
    'What `headgate check` says of a policy and an environment, and `headgate test` of its tests. Codes are never reused.',
    ...ranges.flatMap(rangeParts),
    '## Exit codes',
    table(['code', 'meaning'], exitRows()),
  ];
  return `${parts.join('\n\n')}\n`;
}

function denialCells([code, row]: [string, DenialRow]): string[] {
  const fields = [
    row.bearerError === undefined ? '' : '`WWW-Authenticate`',
    row.retryAfterSeconds === undefined ? '' : '`Retry-After`',
    (code as DenialReason) === 'method-not-allowed' ? '`Allow`' : '',
  ];
  const grpcStatus = String(grpcStatusOf(code as DenialReason));
  return [`\`${code}\``, String(row.status), grpcStatus, row.title, row.sentence, fields.filter(Boolean).join(', ')];
}

function rangeParts({ prefix, title }: { readonly prefix: string; readonly title: string }): string[] {
  const rows = Object.entries<CodeRow>(codes).filter(([code]) => code.startsWith(prefix));
  if (rows.length === 0) return [];
  const cells = rows.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([code, row]) => [code, row.title, row.meaning]);
  return [`### ${title}`, table(['code', 'title', 'meaning'], cells)];
}

function exitRows(): string[][] {
  return Object.entries(exitCodes).map(([name, code]) => [String(code), exitMeanings[name as keyof typeof exitCodes]]);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

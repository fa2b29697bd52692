import { type DenialReason, denials, problemAnswer } from '../../gate/index.ts';
import { files, variables } from './names.ts';
import { type Condition, call, chain, type Directive, directive, format, type Sample, test } from './print.ts';
import { placeholder, request, variable, type Words, withRequestId } from './words.ts';

/** Words of `return` and `http-error` behind the status. `override`: values of fields that aren't the table's, and fields that it hasn't. */
export function answerWords(reason: DenialReason, override: Readonly<Record<string, Sample>> = {}): string[] {
  const { headers, body } = problemAnswer(reason, placeholder);
  const words = ['content-type', 'application/problem+json', 'lf-string', withRequestId(body)];
  for (const [name, value] of headers) {
    const other = override[name];
    if (name !== 'content-type')
      words.push('hdr', name, other === undefined ? format(value) : format({ sample: other }));
  }
  const names = headers.map(([name]) => name);
  for (const [name, sample] of Object.entries(override)) {
    if (!names.includes(name)) words.push('hdr', name, format({ sample }));
  }
  return words;
}

/** Words of a rule that refuses by HAProxy itself. */
export function returnWords(reason: DenialReason, override?: Readonly<Record<string, Sample>>): Words {
  return request('return', 'status', denials[reason].status, ...answerWords(reason, override));
}

/** Rules that refuse by HAProxy itself where `when` holds. `override`: values of fields that aren't the table's. */
export type Refusing = (
  reason: DenialReason,
  when: Condition,
  override?: Readonly<Record<string, Sample>>,
) => Directive[];

/** As problem documents. */
export const refusing: Refusing = (reason, when, override) => [directive(returnWords(reason, override), when)];

/** What HAProxy answers by itself once a request is read. */
const ownErrors: readonly (readonly [status: number, reason: DenialReason])[] = [
  [502, 'upstream-malformed'],
  [503, 'upstream-unavailable'],
  [504, 'upstream-timeout'],
];

/** What it answers before, by files that can't hold an id. */
const earlyErrors: readonly (readonly [status: number, reason: DenialReason])[] = [
  [400, 'request-malformed'],
  [408, 'request-timeout'],
  [500, 'gate-fault'],
];

/** Lines for `defaults`. */
export function errorLines(directory: string): Directive[] {
  return [
    ...earlyErrors.map(([status]) => directive(['errorfile', status, `${directory}/${problemFile(status)}`])),
    ...ownErrors.map(([status, reason]) => directive(['http-error', 'status', status, ...answerWords(reason)])),
  ];
}

const problemFile = (status: number): string => `${files.problem}.${status}.http`;

/** File name → a whole HTTP answer. */
export function problemFiles(): Record<string, string> {
  return Object.fromEntries(earlyErrors.map(([status, reason]) => [problemFile(status), problemText(reason)]));
}

function problemText(reason: DenialReason): string {
  const { status, headers, body } = problemAnswer(reason, '-');
  const fields = [...headers, ['content-length', String(Buffer.byteLength(body))], ['connection', 'close']];
  const lines = [`HTTP/1.1 ${status} ${denials[reason].title}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Fields of an answer that the agent gives, by name: where its variables hold them. */
const agentFields: Readonly<Record<string, string>> = {
  'www-authenticate': variables.answer.challenge,
  'retry-after': variables.answer.retryAfter,
  allow: variables.answer.allow,
};

/** Answers to what the gate has refused: one rule a status, the rest in the agent's variables. */
export function refusalRules(): Directive[] {
  const { answer } = variables;
  const statuses = new Map<number, Set<string>>();
  for (const reason of Object.keys(denials) as DenialReason[]) {
    const { status, headers } = problemAnswer(reason, '-');
    const names = statuses.get(status) ?? new Set();
    for (const [name] of headers) names.add(name);
    if (reason === 'method-not-allowed') names.add('allow');
    statuses.set(status, names);
  }
  return [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, names]) => {
      const words = ['return', 'status', String(status), 'content-type', 'application/problem+json'];
      // The end of the line stands here, because HAProxy would escape it in a variable.
      words.push('lf-string', format({ sample: variable(answer.body) }, '\n'), 'hdr', 'cache-control', 'no-store');
      for (const [name, held] of Object.entries(agentFields))
        if (names.has(name)) words.push('hdr', name, format({ sample: variable(held) }));
      return directive(request(...words), test(variable(answer.status), 'int', status));
    });
}

/** A field of the permit's record, by its offset; `further`: so many behind it. */
export function recordField(offset: number, further = 0): Sample {
  return chain(variable(variables.record), call('bytes', offset), call('field', 1 + further, ' '));
}

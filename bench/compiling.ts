import { parseDocument } from 'yaml';
import { compile } from '../src/compile/index.ts';
import type { Checked } from '../src/diagnostics/index.ts';
import { type Environment, type Policy, parseEnvironment, parsePolicy } from '../src/policy/index.ts';

export interface CompilingCosts {
  /** Milliseconds of CPU, round by round: the YAML library alone on the policy's text. */
  readonly yaml: readonly number[];
  /** From the checked policy and environment to the Plan. */
  readonly compile: readonly number[];
  /** From the text to the Plan. */
  readonly whole: readonly number[];
}

/** What a policy of 10,000 rules over 1,000 models costs to compile, beside what its text costs to be parsed as YAML. */
export function measureCompiling(rounds: number): CompilingCosts {
  const text = policyText(10_000, 1000);
  const environment = valueIn(parseEnvironment(environmentText, 'bench.yaml'));
  const costs = { yaml: [] as number[], compile: [] as number[], whole: [] as number[] };
  for (let round = 0; round <= rounds; round += 1) {
    let policy: Policy | undefined;
    const yaml = cpuMillisOf(() => parseDocument(text));
    const parsing = cpuMillisOf(() => {
      policy = valueIn(parsePolicy(text, 'headgate.yaml'));
    });
    const compiling = cpuMillisOf(() => compiled(policy as Policy, environment));
    // The first is V8's warming.
    if (round === 0) continue;
    costs.yaml.push(yaml);
    costs.compile.push(compiling);
    costs.whole.push(parsing + compiling);
  }
  return costs;
}

function compiled(policy: Policy, environment: Environment): void {
  const { value, diagnostics } = compile(policy, environment);
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (value === undefined || error !== undefined) throw new Error(`the policy does not compile: ${error?.message}`);
}

function valueIn<T>(checked: Checked<T>): T {
  if (checked.value === undefined) throw new Error(`can't be read: ${checked.diagnostics[0]?.message}`);
  return checked.value;
}

function cpuMillisOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Ten rules a model: teams that predict, a deny with an exemption, limits and a condition among them. */
function policyText(rules: number, models: number): string {
  const names = Array.from({ length: models }, (_, index) => `model-${index}`);
  const groups = names.map((_, index) => `  team-${index}: [{ staff: { group: team-${index} } }]`);
  const ruleTexts = Array.from({ length: rules }, (_, index) => ruleText(index, models));
  return `version: 1
identity:
  staff: { oidc: { audience: headgate, groupsClaim: groups } }
groups:
${groups.join('\n')}
services:
  scoring:
    protocol: tensorflow-serving
    models: [${names.join(', ')}]
rules:
${ruleTexts.join('\n')}
`;
}

function ruleText(index: number, models: number): string {
  const model = index % models;
  const kind = Math.floor(index / models);
  const at = `at: scoring/model-${model}`;
  if (kind === 0)
    return `  - { name: deny ${index}, deny: anyone, to: regress, ${at}, unless: [{ caller: [team-${model}] }] }`;
  const team = (model + kind) % models;
  const more = kind % 3 === 0 ? ', limits: [{ rate: 50/s, burst: 100, per: caller }]' : '';
  const when = kind === 4 ? `, when: 'request.headers["x-region"] == "eu"'` : '';
  return `  - { name: rule ${index}, allow: [team-${team}], to: [predict, metadata], ${at}${more}${when} }`;
}

const environmentText = `version: 1
environment: bench
engine: embedded
listeners: [{ name: public, address: "127.0.0.1:8080" }]
identity: { staff: { issuer: "http://127.0.0.1:9000" } }
services: { scoring: { endpoints: [{ rest: "127.0.0.1:8501" }] } }
audit: { directory: var/audit, record: required }
admin: "127.0.0.1:9900"
`;

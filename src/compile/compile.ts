import { type Checked, Report } from '../diagnostics/index.ts';
import { type AccessPlan, accessEpoch, type EngineName, freezePlan, type Plan } from '../plan/index.ts';
import type { Environment, Policy } from '../policy/index.ts';
import { compileReads } from './conditions.ts';
import { checkEnvironmentNames, rulesHere } from './environments.ts';
import { compileGroups } from './groups.ts';
import { compileIdentities } from './identities.ts';
import { compileListeners } from './listeners.ts';
import { checkCallable } from './methods.ts';
import { checkQueueReads } from './queue-reads.ts';
import { compileRelays } from './relays.ts';
import { compileRules } from './rules.ts';
import { createScope, type Scope } from './scope.ts';
import { compileServices, compileUpstreams } from './services.ts';
import { checkShadows } from './shadows.ts';

/**
 * Policy and environment together: a frozen Plan, or every mistake in what the two mean, with its place. Rules of other
 * environments are checked like the rest and left out of the Plan.
 */
export function compile(policy: Policy, environment: Environment): Checked<Plan> {
  const report = new Report();
  const scope = createScope(policy, environment, report);
  const access = compileAccess(scope);
  const engine = compileEngine(scope);
  const structure = { listeners: compileListeners(scope), upstreams: compileUpstreams(scope) };
  return report.checked(() =>
    freezePlan({
      format: 1,
      environment: environment.name.value,
      ...(environment.gateway !== undefined && { gateway: environment.gateway.value }),
      engine,
      epoch: accessEpoch(access),
      access,
      ...structure,
      bounds: environment.bounds,
      audit: { directory: environment.audit.directory.value, record: environment.audit.record.value },
      admin: environment.admin.value,
      ...(environment.telemetry !== undefined && { telemetry: environment.telemetry }),
      state: environment.state.value,
    }),
  );
}

function compileAccess(scope: Scope): AccessPlan {
  const environment = scope.environment.name.value;
  const identities = compileIdentities(scope);
  const relays = compileRelays(scope);
  const groups = compileGroups(scope);
  const services = compileServices(scope);
  const compiled = compileRules(scope);
  checkEnvironmentNames(scope);
  checkShadows(scope, compiled, groups);
  checkCallable(scope, compiled);
  checkQueueReads(scope, compiled);
  const rules = rulesHere(compiled, environment);
  const reads = compileReads(scope, services, rules);
  return { environment, identities, ...(relays && { relays }), groups, services, rules, reads };
}

function compileEngine({ environment, report }: Scope): EngineName {
  const { value, span } = environment.engine;
  if (value === 'embedded' || value === 'haproxy') return value;
  const hint = 'write embedded or haproxy';
  report.add('HG1120', `engine \`${value}\` is not in this version yet`, { span, hint });
  return 'embedded';
}

import type { GateRequest } from '../gate/index.ts';
import type { ListenerPlan, Plan, ServicePlan } from '../plan/types.ts';
import { callActions, grpcTables } from '../protocols/index.ts';
import { UsageError } from './usage-error.ts';

type Asked = Pick<GateRequest, 'method' | 'target' | 'message'>;

/**
 * What stands behind `grpc` in a call: `scoring/finance-prod predict`, of a service of protocol `grpc`
 * `orders/acme.orders.v1.Orders/Get`, and of what is done to a service itself `orders reflect`. Throws `UsageError`.
 */
export function grpcCall({ access }: Plan, { routes }: ListenerPlan, text: string): Asked {
  const { name, inside, action } = read(text);
  const service = access.services.find((each) => each.name === name);
  if (service === undefined) {
    const names = access.services.map((each) => each.name).join(', ');
    throw new UsageError(`the policy has no service ${name === '' ? text : name}`, `it has ${names}`);
  }
  const { path, message } = callOf(service, inside, action);
  const route = routes.find((each) => each.service === name);
  return { method: 'POST', target: `${route?.strip ? (route.pathPrefix ?? '') : ''}${path}`, message };
}

interface Read {
  readonly name: string;
  readonly inside: string;
  readonly action: string;
}

/** Between the service and the method a space will do, too. */
function read(text: string): Read {
  const [place = '', said = '', ...more] = text.trim().split(/\s+/);
  if (more.length > 0)
    throw new UsageError(`--call grpc ${text} can't be read`, 'write "grpc SERVICE/acme.v1.Orders/Get"');
  const slash = place.indexOf('/');
  if (slash >= 0) return { name: place.slice(0, slash), inside: place.slice(slash + 1), action: said };
  return said.includes('/') ? { name: place, inside: said, action: '' } : { name: place, inside: '', action: said };
}

function callOf(
  { name, protocol }: ServicePlan,
  inside: string,
  action: string,
): { readonly path: string; readonly message: NonNullable<Asked['message']> } {
  const own = callActions[protocol];
  if (own !== undefined && inside !== '' && (action === '' || action === own))
    return { path: `/${inside}`, message: {} };
  const rows = grpcTables[protocol];
  const row = rows.find((each) => each.action === action);
  if (row === undefined) {
    const actions = [...new Set([...(own === undefined ? [] : [own]), ...rows.map((each) => each.action)])].join(', ');
    throw new UsageError(`${name} has no gRPC call ${action === '' ? inside : action}`, `it has ${actions}`);
  }
  const isOfModel = row.walk !== 'none' && row.walk !== 'stream';
  return { path: row.path, message: isOfModel ? { model: inside } : {} };
}

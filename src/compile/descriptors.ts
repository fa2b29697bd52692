import type { Report } from '../diagnostics/index.ts';
import type { MethodPlan } from '../plan/index.ts';
import type { AttachedFiles, Located, ServiceNode } from '../policy/index.ts';
import { walkOf } from '../protocols/index.ts';
import { methodsMax } from '../std/limits.ts';
import { DescriptorError, type DescriptorSet, readDescriptorSet } from '../wire/index.ts';
import { MethodIndex } from './method-index.ts';

const howTo =
  'write it with `protoc --include_imports --descriptor_set_out=orders.binpb orders.proto`, or `buf build -o orders.binpb`';

/** What a descriptor set says of a service. */
export interface KnownMethods {
  readonly plans: ReadonlyMap<string, MethodPlan>;
  readonly index: MethodIndex;
}

/** The methods of a service, by its descriptor set; undefined: it has none, or none that can be read. */
export function describedMethods(
  { name, descriptors, idempotent = [] }: ServiceNode,
  attached: AttachedFiles | undefined,
  report: Report,
): KnownMethods | undefined {
  const set = descriptors && readSet(descriptors, attached, report);
  if (descriptors === undefined || set === undefined) return undefined;
  const { span } = descriptors;
  const repeatable = new Set(idempotent.map(({ value }) => value));
  // Health and reflection are actions of their own.
  const own = set.methods.filter((method) => walkOf(`/${method.name}`, 'grpc') === undefined);
  if (own.length === 0) {
    report.add('HG2132', `\`${descriptors.value}\` describes no method of service \`${name.value}\``, {
      span,
      hint: howTo,
    });
    return undefined;
  }
  if (own.length > methodsMax) {
    report.add('HG2131', `\`${descriptors.value}\` describes more than ${methodsMax} methods`, { span });
    return undefined;
  }
  reportMissing(set, descriptors, report);
  const plans = own.map((method): readonly [string, MethodPlan] => {
    const mayRepeat = method.idempotent || repeatable.has(method.name);
    return [method.name, { ...(mayRepeat && { idempotent: true }), streaming: method.streaming }];
  });
  return { plans: new Map(plans), index: new MethodIndex(own.map((method) => method.name)) };
}

function readSet(
  { value: path, span }: Located<string>,
  attached: AttachedFiles | undefined,
  report: Report,
): DescriptorSet | undefined {
  const file = attached?.get(path) ?? { fault: 'nobody has read it' };
  if ('fault' in file) {
    report.add('HG2130', `can't read the descriptor set \`${path}\`: ${file.fault}`, { span, hint: howTo });
    return undefined;
  }
  try {
    return readDescriptorSet(file.bytes);
  } catch (fault) {
    if (!(fault instanceof DescriptorError)) throw fault;
    report.add('HG2131', `\`${path}\` is not a descriptor set: ${fault.message}`, { span, hint: howTo });
    return undefined;
  }
}

/** They have messages and options, and no services. */
const withoutServices = /^google\/(protobuf|api|rpc|type)\//;

function reportMissing({ missing }: DescriptorSet, { value, span }: Located<string>, report: Report): void {
  const [first, ...more] = missing.filter(({ file }) => !withoutServices.test(file));
  if (first === undefined) return;
  const others =
    more.length === 0 ? '' : `, and ${more.length} more ${more.length === 1 ? 'import is' : 'imports are'} not there`;
  const message = `\`${value}\` lacks \`${first.file}\`, which \`${first.importedBy}\` imports${others}`;
  report.add('HG2133', message, { span, severity: 'warning', hint: howTo });
}

/** What is counted by service: each number is a count. */
export type CountsOfService<T> = { readonly service: string } & {
  readonly [Name in Exclude<keyof T, 'service'>]: number;
};

/** One entry a service, in the order in which services come first: what stands in several is added up. */
export function sumByService<T extends CountsOfService<T>>(all: readonly T[]): T[] {
  const sums = new Map<string, T>();
  for (const each of all) {
    const sum = sums.get(each.service);
    sums.set(each.service, sum === undefined ? each : added(sum, each));
  }
  return [...sums.values()];
}

function added<T extends CountsOfService<T>>(a: T, b: T): T {
  const names = Object.keys(a).filter((name) => name !== 'service') as Exclude<keyof T, 'service'>[];
  return { ...a, ...Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) };
}

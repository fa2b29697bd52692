/** A method by its path: `/acme.orders.v1.Orders/Get`. */
export interface NamedMethod {
  readonly service: string;
  readonly method: string;
}

const identifier = '[A-Za-z_][A-Za-z0-9_]*';
const methodPath = new RegExp(`^/(${identifier}(?:\\.${identifier})*)/(${identifier})$`);
const pathCharactersMax = 512;

/** Undefined: it is no path of a method, as Protocol Buffers name services and methods. */
export function methodOfPath(path: string): NamedMethod | undefined {
  const found = path.length > pathCharactersMax ? null : methodPath.exec(path);
  return found === null ? undefined : { service: found[1] as string, method: found[2] as string };
}

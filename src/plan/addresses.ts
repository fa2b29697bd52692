import type { AddressesPlan, AddressPlan } from './types.ts';

/** The address by which a replica is known: of REST, else of gRPC. */
export function mainAddress({ rest, grpc }: AddressesPlan): AddressPlan {
  const address = rest ?? grpc;
  // INVARIANT: `brokenInvariant` lets no endpoint pass that has neither.
  if (address === undefined) throw new TypeError('a replica has no address');
  return address;
}

/** Only these of what has more. */
export function addressesOf({ rest, grpc }: AddressesPlan): AddressesPlan {
  return { ...(rest !== undefined && { rest }), ...(grpc !== undefined && { grpc }) };
}

/** Milliseconds of a unit. */
const units: Readonly<Record<string, number>> = { n: 1e-6, u: 1e-3, m: 1, S: 1e3, M: 6e4, H: 3.6e6 };
/** The finest that has room is written. */
const written = ['u', 'm', 'S', 'M', 'H'] as const;
const digitsMax = 8;

/**
 * Milliseconds that a `grpc-timeout` names; undefined: it is malformed. Source: gRPC over HTTP/2, "Requests": at most eight digits and
 * a unit.
 */
export function grpcTimeoutMs(text: string): number | undefined {
  const match = /^(\d{1,8})([numSMH])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

/** Text of a `grpc-timeout` of no more than `ms`; 0 and below: the shortest that there is. */
export function grpcTimeoutText(ms: number): string {
  for (const unit of written) {
    const count = Math.floor(ms / (units[unit] as number));
    if (count < 10 ** digitsMax) return `${Math.max(count, unit === 'u' ? 1 : 0)}${unit}`;
  }
  return `${'9'.repeat(digitsMax)}H`;
}

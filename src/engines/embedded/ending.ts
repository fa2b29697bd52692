import type { DenialReason } from '../../gate/index.ts';

/** How a call ends: what is recorded, and what is done once it is. */
export interface Ending {
  /** 0: the client left before. */
  readonly status: number;
  readonly bytesOut: number;
  /** Where the call was refused. */
  readonly reason?: DenialReason;
  readonly endpoint?: string;
  readonly upstreamMs?: number;
  /** Replicas that it was tried at, where there was more than one try. */
  readonly tries?: number | undefined;
  /** What the service answered a gRPC call with. */
  readonly grpcStatus?: number | undefined;
  readonly release: () => void;
}

import { type Denial, denials, type GateAnswer, type GateRequest } from '../../gate/index.ts';
import { failedCredentialsPerSecondMax } from '../../std/limits.ts';

/** Addresses that are counted in one second; beyond them nobody new is, so that memory stays bounded. */
const addressesMax = 10_000;

/**
 * Ends a flood of credentials that are not accepted before anything is verified: by address and second, after
 * `failedCredentialsPerSecondMax`. It stands in the agent, so HAProxy pays a question for each, and the gate nothing.
 */
export class FloodGuard {
  readonly #counts = new Map<string, number>();
  #second = 0;

  async check(request: GateRequest, nowMs: number, ask: () => Promise<GateAnswer>): Promise<GateAnswer> {
    this.#turn(nowMs);
    const { address } = request;
    const count = this.#counts.get(address) ?? 0;
    if (count >= failedCredentialsPerSecondMax && hasCredential(request)) return flooded;
    const answer = await ask();
    if (answer.kind === 'denial' && isCredentialFault(answer)) this.#note(address);
    return answer;
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#counts.clear();
  }

  #note(address: string): void {
    const count = this.#counts.get(address);
    if (count !== undefined || this.#counts.size < addressesMax) this.#counts.set(address, (count ?? 0) + 1);
  }
}

const flooded: Denial = { kind: 'denial', reason: 'credential-flood', keepUntilMs: 0, epoch: '' };

function hasCredential({ headers }: GateRequest): boolean {
  return headers.some((text, index) => index % 2 === 0 && text === 'authorization');
}

/** A credential was there, and it was not accepted. */
function isCredentialFault({ reason }: Denial): boolean {
  return reason.startsWith('credential-') && reason !== 'credential-missing' && denials[reason].status === 401;
}

import { Client } from 'undici';
import type { Found } from '../traffic/index.ts';
import { messageOf, systemCode } from './fault.ts';
import { type Failed, failed, gone, type HealthLine, type LineOptions, late } from './health-line.ts';
import { readModelStatus } from './model-status.ts';

const statusBytesMax = 1024 * 1024;
const keptMsMin = 10_000;

/** A replica that is asked for the state of its models over REST. */
export class RestHealthLine implements HealthLine {
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor({ address, everyMs, timeoutMs, onBroken }: LineOptions) {
    this.#timeoutMs = timeoutMs;
    this.#client = new Client(`http://${address}`, {
      connectTimeout: timeoutMs,
      keepAliveTimeout: Math.max(2 * everyMs, keptMsMin),
      maxResponseSize: statusBytesMax,
      pipelining: 1,
    });
    this.#client.on('disconnect', (_origin, _targets, fault) => {
      // Its own end for idleness has another code.
      if (isBroken(fault)) onBroken();
    });
  }

  async ask(model = 'none'): Promise<Found> {
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs);
      const path = `/v1/models/${encodeURIComponent(model)}`;
      const { statusCode, body } = await this.#client.request({ method: 'GET', path, signal });
      return readModelStatus(statusCode, await body.text());
    } catch (fault) {
      return this.#failedBy(fault);
    }
  }

  close(): void {
    void this.#client.destroy();
  }

  #failedBy(fault: unknown): Failed {
    const code = systemCode(fault);
    if (code?.endsWith('TIMEOUT') || (fault instanceof Error && fault.name === 'TimeoutError')) {
      return late(this.#timeoutMs);
    }
    if (code === 'ECONNREFUSED') return gone('connection refused');
    return isBroken(fault) ? gone('the connection broke') : failed(messageOf(fault));
  }
}

function isBroken(fault: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(systemCode(fault) ?? '');
}

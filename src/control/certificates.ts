import type { CertificateText, RunningEngine } from '../engines/engine.ts';
import type { ListenerPlan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import { readCertificate } from './certificate-files.ts';
import { messageOf } from './fault.ts';
import { stampOf } from './watch.ts';

/** Between two looks at the files. Two looks have to agree, so that a half-written pair isn't read. */
const lookMs = 500;

/** What a listener serves. */
export interface CertificateStatus {
  readonly listener: string;
  readonly file: string;
  /** End of the certificate that is served, ISO 8601. */
  readonly ends: string;
  /** Why what the files hold now isn't served; left out where it is. */
  readonly fault?: string;
}

export interface CertificatesOptions {
  /** Of the Plan in force. */
  readonly listeners: () => readonly ListenerPlan[];
  readonly running: Pick<RunningEngine, 'setCertificates'>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

export interface Certificates {
  status(): readonly CertificateStatus[];
  /** Looks at all files now; resolves when what they hold is served, or known not to be fit. */
  reread(): Promise<void>;
  stop(): Promise<void>;
}

interface Served {
  /** Paths, and state of the files when they were last read. */
  readonly stamp: string;
  readonly file: string;
  readonly endsMs: number;
  readonly fault: string | undefined;
}

/**
 * Watches the certificates of listeners and has the engine serve new ones: nobody is disconnected, nothing restarts. What is not
 * fit to be served (another's key, no PEM, its time over) leaves the one from before in place, and is said.
 */
export function watchCertificates(options: CertificatesOptions): Certificates {
  return new Watch(options);
}

class Watch implements Certificates {
  readonly #options: CertificatesOptions;
  readonly #served = new Map<string, Served>();
  readonly #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void>;
  #isStopping = false;

  constructor(options: CertificatesOptions) {
    this.#options = options;
    this.#looking = this.#look(true);
    this.#schedule();
  }

  status(): readonly CertificateStatus[] {
    return [...this.#served].map(([listener, { file, endsMs, fault }]) => ({
      listener,
      file,
      ends: new Date(endsMs).toISOString(),
      ...(fault !== undefined && { fault }),
    }));
  }

  reread(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look(true));
    return this.#looking;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isStopping) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#looking.then(() => this.#look(false));
      void this.#looking.then(() => this.#schedule());
    }, lookMs).unref();
  }

  /** `isSettled`: whoever asks knows that nobody is writing. */
  async #look(isSettled: boolean): Promise<void> {
    const secured = this.#options.listeners().flatMap(({ name, tls }) => (tls === undefined ? [] : [{ name, tls }]));
    const fresh: Record<string, CertificateText> = {};
    for (const { name, tls } of secured) {
      const files = [tls.certificate, tls.key];
      const stamp = `${files.join('\n')}\n${await stampOf(files)}`;
      const isStill = isSettled || this.#seen.get(name) === stamp;
      this.#seen.set(name, stamp);
      const before = this.#served.get(name);
      if (!isStill || before?.stamp === stamp) continue;
      const text = await this.#read({ name, tls, stamp, before });
      if (text !== undefined) fresh[name] = text;
    }
    const names = new Set(secured.map(({ name }) => name));
    for (const name of this.#served.keys()) if (!names.has(name)) this.#served.delete(name);
    if (Object.keys(fresh).length > 0) await this.#serve(fresh);
  }

  async #read({ name, tls, stamp, before }: Found): Promise<CertificateText | undefined> {
    const { clock, log } = this.#options;
    const file = tls.certificate;
    try {
      const { text, endsMs } = await readCertificate(tls, clock.now());
      this.#served.set(name, { stamp, file, endsMs, fault: undefined });
      // The engine has read the first by itself.
      return before === undefined ? undefined : text;
    } catch (cause) {
      const fault = messageOf(cause);
      log(`listener ${name} goes on with the certificate that it has: ${fault}`);
      this.#served.set(name, { stamp, file, endsMs: before?.endsMs ?? 0, fault });
      return undefined;
    }
  }

  async #serve(fresh: Readonly<Record<string, CertificateText>>): Promise<void> {
    const { running, log } = this.#options;
    const names = Object.keys(fresh);
    try {
      await running.setCertificates(fresh);
      for (const name of names) {
        const { endsMs = 0 } = this.#served.get(name) ?? {};
        log(`listener ${name} serves its new certificate, good until ${new Date(endsMs).toISOString()}`);
      }
    } catch (cause) {
      const fault = messageOf(cause);
      log(`the new certificate of ${names.join(', ')} was not taken up: ${fault}`);
      for (const name of names) {
        const served = this.#served.get(name);
        if (served !== undefined) this.#served.set(name, { ...served, fault });
      }
    }
  }
}

interface Found {
  readonly name: string;
  readonly tls: NonNullable<ListenerPlan['tls']>;
  readonly stamp: string;
  readonly before: Served | undefined;
}

import type { AuditStatus } from '../audit/index.ts';
import type { RunningEngine } from '../engines/engine.ts';
import { messageOf } from './fault.ts';

export interface AdmissionOptions {
  readonly running: Pick<RunningEngine, 'admit'>;
  /** Whether calls may only be made while they can be recorded. */
  readonly required: boolean;
  readonly log: (line: string) => void;
  /** Admission should be shut and can't be: whoever runs the engine has to stop it. */
  readonly onUnable: (error: Error) => void;
}

export interface Admission {
  /** Shut at the moment, and why. */
  readonly shut: string | undefined;
  /** Takes note of the audit writer's state. */
  observe(status: AuditStatus): void;
}

/** With `record: required` an audit that fails shuts admission, and opens it when it records again. */
export function createAdmission({ running, required, log, onUnable }: AdmissionOptions): Admission {
  let shut: string | undefined;
  let last: Promise<void> = Promise.resolve();
  const set = (open: boolean): void => {
    last = last.then(async () => {
      try {
        if (running.admit === undefined) throw new Error('this engine has no way to shut admission');
        await running.admit(open);
        log(
          open
            ? 'admission is open again'
            : 'admission is shut: every call is answered 503 until the audit records again',
        );
      } catch (fault) {
        if (!open) onUnable(new Error(`calls can't be recorded, and admission can't be shut: ${messageOf(fault)}`));
        else log(`admission can't be opened: ${messageOf(fault)}`);
      }
    });
  };
  return {
    get shut() {
      return shut;
    },
    observe({ state, reason }) {
      const wanted = required && state === 'failing' ? (reason ?? 'the audit writer fails') : undefined;
      const changes = (wanted === undefined) !== (shut === undefined);
      shut = wanted;
      if (changes) set(wanted === undefined);
    },
  };
}

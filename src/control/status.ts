import type { AuditStatus } from '../audit/types.ts';
import type { Diagnostic } from '../diagnostics/types.ts';
import type { EngineStatus } from '../engines/engine.ts';
import type { AccessPlan, AddressPlan, VersionPlan } from '../plan/types.ts';
import type { CertificateStatus } from './certificates.ts';
import type { KeyWatchStatus } from './key-watch.ts';
import type { ReplicasStatus } from './replica-watch.ts';

/** What became of the last change of a file. */
export interface ReloadStatus {
  readonly outcome: 'taken' | 'rejected';
  /** ISO 8601. */
  readonly at: string;
  /** One sentence. */
  readonly message: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Answer of `/status` on the admin address. */
export interface HeadgateStatus {
  readonly version: string;
  readonly environment: string;
  readonly engine: string;
  readonly epoch: string;
  readonly policyFile: string;
  readonly environmentFile: string;
  /** SHA-256 of what both files held when they were last read, whatever came of it; hexadecimal. */
  readonly filesRead: string;
  readonly pid: number;
  readonly ready: boolean;
  /** Why it isn't ready. */
  readonly reason?: string;
  readonly startedAt: string;
  /** Absent until a file has changed. */
  readonly reload?: ReloadStatus;
  readonly listeners: Readonly<Record<string, AddressPlan>>;
  /** Of the listeners with TLS. */
  readonly certificates: readonly CertificateStatus[];
  /** By `service/model`: the versions that the policy names, with numbers and shares of now. */
  readonly versions: Readonly<Record<string, readonly VersionPlan[]>>;
  readonly audit: AuditStatus & { readonly directory: string; readonly record: 'required' | 'best-effort' };
  /** The store of API keys. */
  readonly keys: KeyWatchStatus;
  /** Which replicas there are and how they are, as control knows it. */
  readonly replicas: ReplicasStatus;
  readonly running: EngineStatus;
}

/** The versions of every model that has any. */
export function versionsOf({ services }: AccessPlan): HeadgateStatus['versions'] {
  const all = services.flatMap(({ name, versions = {} }) =>
    Object.entries(versions).map(([model, list]) => [`${name}/${model}`, list] as const),
  );
  return Object.fromEntries(all);
}

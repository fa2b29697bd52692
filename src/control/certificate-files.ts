import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { CertificateText } from '../engines/engine.ts';
import type { ListenerPlan } from '../plan/types.ts';
import { messageOf } from './fault.ts';

type Files = NonNullable<ListenerPlan['tls']>;

/** A certificate that can be served: its key is its own, and its time has not passed. */
export interface ReadCertificate {
  readonly text: CertificateText;
  /** End of its time, milliseconds since the epoch. */
  readonly endsMs: number;
}

/** Reads the two files of a listener and checks that they go together. Throws a sentence that names the file. */
export async function readCertificate({ certificate, key }: Files, nowMs: number): Promise<ReadCertificate> {
  const text = { certificate: await read(certificate), key: await read(key) };
  const first = parsed(certificate, () => new X509Certificate(text.certificate));
  const secret = parsed(key, () => createPrivateKey(text.key));
  if (!first.checkPrivateKey(secret)) throw new Error(`${key} is not the key of the certificate in ${certificate}`);
  const endsMs = Date.parse(first.validTo);
  if (endsMs <= nowMs) throw new Error(`the certificate in ${certificate} ended on ${new Date(endsMs).toISOString()}`);
  return { text, endsMs };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file} can't be read: ${messageOf(cause)}`, { cause });
  }
}

/** OpenSSL's own words say neither which file it was nor what was wanted. */
function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`${file} does not hold PEM that can be read`, { cause });
  }
}

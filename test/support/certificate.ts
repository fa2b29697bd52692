import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files for a listener, and the certificate's text for its clients. */
export interface TestTls {
  readonly files: { readonly certificate: string; readonly key: string };
  readonly ca: string;
}

/** A certificate of `localhost` and 127.0.0.1, made anew and signed by itself, good for a day. */
export function openTls(opened: AsyncDisposableStack): TestTls {
  const folder = opened.adopt(mkdtempSync(join(tmpdir(), 'hg-tls-')), (it) => rmSync(it, { recursive: true }));
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ca = pemOf(selfSigned(publicKey, privateKey));
  writeFileSync(files.certificate, ca);
  writeFileSync(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { files, ca };
}

/** Tags of DER (X.690, section 8), and those that X.509 gives its own fields. */
const tags = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, utcTime: 23, sequence: 48, set: 49 };
const versionTag = 0xa0;
const extensionsTag = 0xa3;
const dnsNameTag = 0x82;
const ipAddressTag = 0x87;

const oids = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
};
const dayMs = 86_400_000;

/** RFC 5280, section 4.1. It is its own authority: a client that trusts it knows no other. */
function selfSigned(publicKey: KeyObject, privateKey: KeyObject): Buffer {
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const name = sequence(der(tags.set, sequence(oid(oids.commonName), der(tags.utf8, Buffer.from('localhost')))));
  const names = sequence(der(dnsNameTag, Buffer.from('localhost')), der(ipAddressTag, Buffer.of(127, 0, 0, 1)));
  const yes = der(tags.boolean, Buffer.of(0xff));
  const nowMs = Date.now();
  const told = sequence(
    der(versionTag, der(tags.integer, Buffer.of(2))),
    // Above zero, and not longer than it has to be.
    der(tags.integer, Buffer.of(1), randomBytes(15)),
    algorithm,
    name,
    sequence(utcTime(nowMs - dayMs), utcTime(nowMs + dayMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      extensionsTag,
      sequence(
        sequence(oid(oids.basicConstraints), yes, der(tags.octets, sequence(yes))),
        sequence(oid(oids.subjectAltName), der(tags.octets, names)),
      ),
    ),
  );
  return sequence(told, algorithm, der(tags.bits, Buffer.of(0), sign('sha256', told, privateKey)));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), value]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(tags.sequence, ...parts);
}

function oid(hex: string): Buffer {
  return der(tags.oid, Buffer.from(hex, 'hex'));
}

/** `YYMMDDHHMMSSZ` */
function utcTime(ms: number): Buffer {
  return der(tags.utcTime, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

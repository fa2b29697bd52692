/** An address of 4 or 16 bytes as people write it (RFC 5952; IPv4 inside IPv6 with dots, as RFC 4291 has it). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (mapped.every((byte, index) => bytes[index] === byte)) return `::ffff:${bytes.slice(mapped.length).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

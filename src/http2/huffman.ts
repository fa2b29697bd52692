/**
 * Lengths of the codes of symbols 0 to 255 and of EOS, in base 36 (RFC 7541, appendix B). The code is canonical: codes of one length
 * follow each other in the order of their symbols, so that the lengths are all of it.
 */
const lengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';

const eos = 256;
/** In a step: the next node in the low bits, then a symbol + 1 where one is complete. */
const nodeBits = 9;
const nodeMask = (1 << nodeBits) - 1;
const failure = -1;

/** By node and four bits: a step, or `failure`. */
const steps = new Int32Array(256 * 16);
/** Nodes at which a string may end: reached from the beginning of a code by less than eight ones. */
const mayEnd = new Uint8Array(256);

build();

/**
 * Decodes a Huffman-coded string into `to`, which has room for it: 8/5 of its length. Returns the length of what was decoded; -1: it is
 * no such string (EOS within, padding that is too long or not of ones).
 */
export function decodeHuffman(from: Uint8Array, at: number, end: number, to: Uint8Array): number {
  let node = 0;
  let length = 0;
  for (let index = at; index < end; index += 1) {
    const byte = from[index] as number;
    const high = steps[(node << 4) | (byte >> 4)] as number;
    if (high === failure) return -1;
    if (high > nodeMask) {
      to[length] = (high >> nodeBits) - 1;
      length += 1;
    }
    const low = steps[((high & nodeMask) << 4) | (byte & 15)] as number;
    if (low === failure) return -1;
    if (low > nodeMask) {
      to[length] = (low >> nodeBits) - 1;
      length += 1;
    }
    node = low & nodeMask;
  }
  return mayEnd[node] === 1 ? length : -1;
}

function build(): void {
  const children: [number, number][] = [[0, 0]];
  for (const { symbol, code, length } of codes()) {
    let node = 0;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const pair = children[node] as [number, number];
      const side = (code >> bit) & 1;
      if (pair[side] === 0) pair[side] = children.push([0, 0]) - 1;
      node = pair[side] as number;
    }
    // Leaves are negative.
    (children[node] as [number, number])[code & 1] = -(symbol + 1);
  }
  for (let node = 0; node < children.length; node += 1)
    for (let bits = 0; bits < 16; bits += 1) steps[(node << 4) | bits] = step(children, node, bits);
  for (let node = 0, depth = 0; depth < 8; depth += 1) {
    mayEnd[node] = 1;
    node = (children[node] as [number, number])[1];
  }
}

/** The shortest code has five bits, so four complete one symbol at most. */
function step(children: readonly (readonly [number, number])[], from: number, bits: number): number {
  let node = from;
  let found = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const next = (children[node] as readonly [number, number])[(bits >> bit) & 1] as number;
    if (next >= 0) node = next;
    else if (next === -(eos + 1)) return failure;
    else {
      found = -next;
      node = 0;
    }
  }
  return (found << nodeBits) | node;
}

function codes(): { symbol: number; code: number; length: number }[] {
  const found = [...lengths].map((digit, symbol) => ({ symbol, code: 0, length: Number.parseInt(digit, 36) }));
  const ordered = found.toSorted((one, other) => one.length - other.length || one.symbol - other.symbol);
  let code = 0;
  let before = ordered[0]?.length ?? 0;
  for (const entry of ordered) {
    code <<= entry.length - before;
    before = entry.length;
    entry.code = code;
    code += 1;
  }
  return found;
}

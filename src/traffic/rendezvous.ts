/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): of several names the one that weighs most together with a value. It needs no
 * memory, so it is the same in every thread, process and engine, and after every restart; a name that joins takes its share from
 * the others, and a name that leaves moves only what was its own.
 */

/** 32 bits of a text: FNV-1a over its UTF-16 units, and mixed. */
export function pointOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return mixed(hash);
}

/** What a value (by its point) weighs with a name (by its point): 0 up to, without, 2³². */
export function weight(value: number, name: number): number {
  return mixed(value ^ Math.imul(name, 0x9e3779b1));
}

/** The finaliser of MurmurHash3 (32 bits): every bit in changes half of the bits out. */
function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

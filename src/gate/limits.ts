/** Bounds of this room. */

/** A permit ends this long before its assertion, so that one which is sent on is still good when it arrives. */
export const assertionMarginMs = 5_000;
/** A remembered assertion is signed anew once a fresh one would live this much longer. */
export const assertionRenewMs = 240_000;
/** Assertions that are remembered. */
export const assertionsMax = 50_000;
/** Groups in an assertion together, as JSON; what is over is left out and said so. */
export const assertionGroupsBytesMax = 1024;
/** The same of one that is made from another, which goes along with it. */
export const relayedGroupsBytesMax = 256;
/** A new assertion key is made after this time. */
export const assertionKeyAgeMs = 30 * 24 * 3_600_000;
/** It is published for this long before it signs, so that every process and every reader of the key set has it. */
export const assertionKeyLeadMs = 2 * 3_600_000;
/** The folder of keys is looked at again after this time. Shorter than the lead. */
export const keysLookMs = 1_800_000;
/** Assertion keys that are published, the signing one among them. */
export const assertionKeysMax = 3;
/** Longest id of a request. */
export const requestIdCharactersMax = 64;
/** A pass is good for so much longer than its permit may be kept: a call takes that long at most to be handed over. */
export const passMarginMs = 10_000;
/** Passes that one process or thread remembers as good. */
export const passesRememberedMax = 10_000;

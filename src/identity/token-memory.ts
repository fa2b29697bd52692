import { refusalKeptMsMax, verifiedTokensMax } from '../std/limits.ts';
import { createRemembered } from '../std/remembered.ts';
import type { IssuerKey } from './issuer-key.ts';
import { failedTokensMax } from './limits.ts';
import type { Fault, Identified, Identity } from './types.ts';
import type { Verified } from './verify-token.ts';

/** What is known of tokens that were seen, by the SHA-256 of their text; bounded. */
export interface TokenMemory {
  recall(key: string, nowMs: number): Identified | undefined;
  /** What it remembers for the same token. */
  remember(key: string, result: Verified | Fault, nowMs: number): Identified;
}

/**
 * A verified token is remembered until it ends or its issuer withdraws the key that signed it; a fault of the caller's for a
 * moment; one of ours never.
 */
export function createTokenMemory(): TokenMemory {
  const verified = createRemembered<{ readonly identity: Identity; readonly key: IssuerKey }>(verifiedTokensMax);
  const failed = createRemembered<{ readonly fault: Fault; readonly untilMs: number }>(failedTokensMax);
  return {
    recall(key, nowMs) {
      const good = verified.get(key);
      if (good !== undefined) {
        const { identity } = good;
        if (nowMs < identity.expiresAtMs && !good.key.isRetired) return { kind: 'identity', identity };
        verified.delete(key);
      }
      const bad = failed.get(key);
      return bad !== undefined && nowMs < bad.untilMs ? bad.fault : undefined;
    },
    remember(key, result, nowMs) {
      if (result.kind === 'verified') {
        verified.set(key, result);
        return { kind: 'identity', identity: result.identity };
      }
      if (result.fault !== 'identity-unavailable') {
        failed.set(key, { fault: result, untilMs: nowMs + refusalKeptMsMax });
      }
      return result;
    },
  };
}

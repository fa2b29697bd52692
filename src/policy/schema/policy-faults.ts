import { enclosingCidr, parseCidr } from '../../std/cidr.ts';
import { hasInvisible } from '../../std/invisible.ts';
import { parseRate } from '../../std/rate.ts';
import { parseWindow, type WindowFault } from '../../std/weekly-window.ts';
import { shown } from '../shown.ts';
import { nameCharactersMax } from './leaves.ts';
import { type Fault, laterFault } from './notes.ts';

/** Asymmetric JWS algorithms (RFC 7518, RFC 8037, RFC 9864). Never `none`, never HMAC. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** `groups`, `realm_access.roles`. */
export const claimPath = /^[^.\s]+(\.[^.\s]+)*$/;

/** Subjects, groups and clients of a token are compared whole. */
export function exactFault(written: string): Fault | undefined {
  if (!written.includes('*')) return undefined;
  const hint = 'name each one; a list is any of';
  return { code: 'HG1215', message: `\`${shown(written)}\` would be compared whole, with its \`*\``, hint };
}

const keyName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** API keys are named exactly: a pattern would make whoever names a key one who grants access. */
export function keyNameFault(written: string): Fault | undefined {
  if (written.includes('*') || written === 'any') {
    const hint = 'name each key; a list is any of';
    return { code: 'HG1230', message: `\`${shown(written)}\` would let in keys that nobody named here`, hint };
  }
  if (keyName.test(written) && written.length <= nameCharactersMax) return undefined;
  const hint = `start with a letter or digit; go on with letters, digits, \`_\`, \`.\` and \`-\`, at most ${nameCharactersMax}`;
  return { code: 'HG1105', message: `\`${shown(written)}\` is not the name of an API key`, hint };
}

/** A claim path: names with dots between them. */
export function claimFault(written: string): Fault | undefined {
  if (written.includes('://')) {
    return laterFault('claims whose names hold dots', {
      hint: 'have the provider send them as a claim such as `groups`',
    });
  }
  if (claimPath.test(written)) return undefined;
  const hint = 'names of claims with dots between them: `groups`, `realm_access.roles`';
  return { code: 'HG1218', message: `\`${shown(written)}\` is not a claim path`, hint };
}

/** `none` and shared secrets have words of their own. */
export function algorithmFault(written: string): Fault | undefined {
  if (algorithms.some((each) => each === written)) return undefined;
  if (!/^(none|HS\d+)$/i.test(written)) return undefined;
  const hint = `one of ${algorithms.join(', ')}`;
  const danger = /none/i.test(written) ? 'is no signature at all' : 'signs with a secret that both sides share';
  return { code: 'HG1219', message: `\`${written}\` ${danger}`, hint };
}

/** How a rate is written. */
export const rateHint = 'a whole number from 1 in a second, minute or hour: `200/s`, `10/m`, `5/h`';

/** `200/s`, `10/m`, `5/h`. */
export function rateFault(written: string): Fault | undefined {
  if (parseRate(written) !== undefined) return undefined;
  return { code: 'HG1214', message: `\`${shown(written)}\` is not a rate`, hint: rateHint };
}

/** How a window is written. */
export const windowHint =
  'two times and a zone, days before them: `22:00-06:00 Europe/Zurich`, `mon-fri 08:00-18:00 UTC`';

const windowWords: Readonly<Record<WindowFault, string>> = {
  malformed: 'is not a time of day',
  days: 'has days that are none',
  time: 'has a time that is none',
  'zone-missing': 'has no time zone',
  empty: 'opens and closes at the same minute',
};

/** `22:00-06:00 Europe/Zurich`. Which zones there are is looked at when the policy is compiled. */
export function windowFault(written: string): Fault | undefined {
  const window = parseWindow(written);
  if (!('fault' in window)) return undefined;
  const hint =
    window.fault === 'empty'
      ? 'write `00:00-24:00` for the whole day'
      : window.fault === 'days'
        ? 'sun, mon, tue, wed, thu, fri and sat, as in `mon-fri`, `sat,sun`'
        : windowHint;
  return { code: 'HG1221', message: `\`${shown(written)}\` ${windowWords[window.fault]}`, hint };
}

/** `10.0.0.0/8`, `2001:db8::/32`. */
export function rangeFault(written: string): Fault | undefined {
  const cidr = parseCidr(written);
  if (!('fault' in cidr)) return undefined;
  const fault = (message: string, hint: string): Fault => ({ code: 'HG1222', message, hint });
  if (cidr.fault === 'host-bits')
    return fault(`\`${shown(written)}\` is an address within its range`, `write \`${enclosingCidr(written)}\``);
  if (cidr.fault === 'mapped')
    return fault(`\`${shown(written)}\` is an IPv4 address within IPv6`, 'write it as IPv4, such as `10.0.0.0/8`');
  return fault(`\`${shown(written)}\` is no range of addresses`, 'write it as `10.0.0.0/8` or `2001:db8::/32`');
}

/** Longest owner or note. Characters. */
const lineCharactersMax = 500;

/** Plain text on one line. */
export function lineFault(written: string): Fault | undefined {
  if (hasInvisible(written))
    return {
      code: 'HG1223',
      message: 'this text holds a control character or a line break',
      hint: 'one line of plain text',
    };
  if (written.length <= lineCharactersMax) return undefined;
  return { code: 'HG1223', message: `this text has more than ${lineCharactersMax} characters`, hint: 'say it shorter' };
}

/** A sentence on one line. */
export function ruleNameFault(written: string): Fault | undefined {
  if (hasInvisible(written)) {
    return {
      code: 'HG1213',
      message: 'the name of the rule holds a control character or a line break',
      hint: 'one line of plain text',
    };
  }
  if (written.length <= nameCharactersMax) return undefined;
  return {
    code: 'HG1213',
    message: `the name of the rule has more than ${nameCharactersMax} characters`,
    hint: 'say it shorter',
  };
}

/** A service, then segments: `scoring/finance-*`, `scoring/**`. */
export function patternFault(written: string): Fault | undefined {
  const [service = '', ...segments] = written.split('/');
  if (/^[a-z]+:\/\//i.test(written))
    return {
      code: 'HG1201',
      message: `\`${shown(written)}\` is an address, and a policy holds none`,
      hint: 'name the service: `scoring/**`',
    };
  if (segments.length === 0 && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(service)) {
    return {
      code: 'HG1216',
      message: `\`${shown(written)}\` names a service and nothing in it`,
      hint: `write \`${shown(service)}/**\` for all of it`,
    };
  }
  if (segments[0] === 'family' && segments.length === 2 && segments[1]?.includes('*')) {
    const hint = `name each family, or write \`${shown(service)}/**\` for all of the service`;
    return { code: 'HG1217', message: 'a family is named in full', hint };
  }
  return segmentsFault(written, service, segments);
}

function segmentsFault(written: string, service: string, segments: readonly string[]): Fault | undefined {
  const fault = (message: string, hint: string): Fault => ({ code: 'HG1217', message, hint });
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(service)) {
    return fault(`\`${shown(written)}\` doesn't start with the name of a service`, 'such as `scoring/**`');
  }
  if (segments.some((each) => each === ''))
    return fault(`\`${shown(written)}\` has an empty segment`, 'write one `/` between segments, none at the end');
  if (segments.slice(0, -1).includes('**'))
    return fault('`**` stands before the end', '`**` comes last only; `*` stands for one segment');
  if (segments.some((each) => each !== '**' && each.includes('**')))
    return fault('`**` stands within a segment', 'write `*` within a segment, `/**` at the end');
  if (/[^A-Za-z0-9_.*/-]/.test(written)) {
    return fault(
      `\`${shown(written)}\` holds a character that no pattern has`,
      'letters, digits, `_`, `.`, `-` and `*`, with `/` between segments; no regular expressions',
    );
  }
  return undefined;
}

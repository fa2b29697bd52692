import { z } from 'zod';
import { isLoopback } from '../../std/host-port.ts';
import { shown } from '../shown.ts';
import { text } from './leaves.ts';
import { type Fault, note, notes } from './notes.ts';
import { share } from './versions.ts';

const hint = 'such as `http://127.0.0.1:4318`';

const collector = text('the URL of a collector', collectorFault, {
  hint,
  description: 'URL of an OTLP receiver over HTTP (JSON), without `/v1/traces`; http on loopback only.',
});

/** `telemetry: { otlp: http://127.0.0.1:4318, sample: 10% }` */
export const telemetry = z
  .strictObject({
    otlp: collector,
    sample: share(
      'Part of the calls without a trace of their own that spans are made of. One with a trace is sampled where its flag says so. Default `100%`.',
    ).optional(),
  })
  .register(
    notes,
    note({
      what: 'a map of `otlp` and `sample`',
      within: '`telemetry`',
      hint: 'write `telemetry: { otlp: http://127.0.0.1:4318, sample: 10% }`',
    }),
  );

function collectorFault(written: string): Fault | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { code: 'HG1312', message: `\`${shown(written)}\` is not the URL of a collector`, hint };
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(written) || url.pathname.endsWith('/v1/traces')) {
    const message = 'the URL of a collector has no user, query or fragment, and `/v1/traces` is added to it';
    return { code: 'HG1312', message, hint };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    return {
      code: 'HG1312',
      message: `the collector \`${shown(written)}\` is reached in the clear`,
      hint: 'write `https://…`; http is for loopback only, where a collector beside Headgate can pass spans on',
    };
  }
  return undefined;
}

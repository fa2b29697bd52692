import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditStatus } from '../audit/index.ts';
import { createAdmission } from './admission.ts';

const base: AuditStatus = { state: 'ok', position: 1, unreadable: 0, unclosed: 0, behindBytes: 0, lagMs: 0 };
const failing: AuditStatus = { ...base, state: 'failing', reason: 'disk full' };

test('a required audit that fails shuts admission, and opens it again', async () => {
  const asked: boolean[] = [];
  const admission = createAdmission({
    running: { admit: async (open) => void asked.push(open) },
    required: true,
    log: () => undefined,
    onUnable: (error) => assert.fail(error),
  });
  admission.observe(failing);
  admission.observe(failing);
  assert.equal(admission.shut, 'disk full');
  admission.observe(base);
  assert.equal(admission.shut, undefined);
  await new Promise(setImmediate);
  assert.deepEqual(asked, [false, true]);
});

test('a best-effort audit shuts nothing', () => {
  const admit = (): never => assert.fail('admit');
  const admission = createAdmission({
    running: { admit },
    required: false,
    log: () => undefined,
    onUnable: assert.fail,
  });
  admission.observe(failing);
  assert.equal(admission.shut, undefined);
});

test('an engine that can not shut admission is reported as unable', async () => {
  const unable = Promise.withResolvers<Error>();
  const admission = createAdmission({ running: {}, required: true, log: () => undefined, onUnable: unable.resolve });
  admission.observe(failing);
  assert.match((await unable.promise).message, /no way to shut admission/);
});

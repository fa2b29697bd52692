import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSecretKey, isSecretReference, looksLikeSecret, maskSecrets } from './secret-text.ts';

/** Names of models that begin as some secrets do. */
const lookAlikes = ['sk-learn-random-forest-classifier', 'asiapacificregionmodel1', 'hgk_demo'];

describe('secrets in a text', () => {
  it('are known by the key', () => {
    for (const key of ['password', 'clientSecret', 'API-KEY', 'authString', 'db_passwd', 'privateKey', 'token']) {
      assert.equal(isSecretKey(key), true, key);
    }
    for (const key of ['tokens', 'key', 'secretary', 'audience', 'tokenType'])
      assert.equal(isSecretKey(key), false, key);
  });

  it('are known by their look', () => {
    const secrets = [
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN RSA PRIVATE KEY-----',
      'eyJhbGciOiJIUzI1NiJ9.eyJh.x',
      'https://a:b@c',
      `hgk_${'0Az'.repeat(20)}`,
      `ghp_${'a1'.repeat(18)}`,
      'AKIAIOSFODNN7EXAMPLE',
      `sk-ant-${'x'.repeat(24)}`,
    ];
    for (const text of secrets) assert.equal(looksLikeSecret(text), true, text);
    for (const text of ['https://a.test/@b', 'eyJ', '-----BEGIN CERTIFICATE-----', ...lookAlikes])
      assert.equal(looksLikeSecret(text), false, text);
  });

  it('may be referred to', () => {
    for (const text of ['env:A', 'file:/run/x', 'store:a/b']) assert.equal(isSecretReference(text), true, text);
    for (const text of ['env:', 'ENV:A b', 'a']) assert.equal(isSecretReference(text), false, text);
  });

  it('are starred out of a line, which keeps its length', () => {
    const lines = {
      'password: hunter2': 'password: *******',
      '{ "clientSecret": "s3", a: b }': '{ "clientSecret": *****a: b }',
      'token: env:TOKEN': 'token: env:TOKEN',
      'issuer: https://a:b@c/d': 'issuer: ************c/d',
      'credentials: { token: x }': 'credentials: { token: **}',
    };
    for (const [line, masked] of Object.entries(lines)) {
      assert.equal(maskSecrets(line).length, line.length, line);
      assert.doesNotMatch(maskSecrets(line), /hunter2|s3|a:b@/, line);
      if (!line.includes('"')) assert.equal(maskSecrets(line), masked);
    }
  });
});

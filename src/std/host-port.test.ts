import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isDnsName, isLoopback, parseHostPort, printHostPort } from './host-port.ts';

describe('parseHostPort', () => {
  it('reads IPv4, IPv6 in brackets and DNS names', () => {
    assert.deepEqual(parseHostPort('127.0.0.1:8080'), { host: '127.0.0.1', port: 8080 });
    assert.deepEqual(parseHostPort('[::1]:0'), { host: '::1', port: 0 });
    assert.deepEqual(parseHostPort('[FD00::A]:65535'), { host: 'fd00::a', port: 65_535 });
    assert.deepEqual(parseHostPort('Models.internal:8501'), { host: 'models.internal', port: 8501 });
    assert.deepEqual(parseHostPort('localhost:1'), { host: 'localhost', port: 1 });
  });

  it('says what is wrong with anything else', () => {
    const wrong = {
      '': 'lacks a port',
      '127.0.0.1': 'lacks a port',
      ':80': 'lacks a host',
      'a:': 'lacks a port',
      '::1': 'lacks a port, or its IPv6 address lacks the brackets',
      '::1:80': 'lacks a port, or its IPv6 address lacks the brackets',
      'http://a:80': 'is a URL: leave out the scheme',
      'a:b:80': 'is not a host, a colon and a port',
      '[::1]80': 'is not a host, a colon and a port',
      '[1.2.3.4]:80': 'holds no IPv6 address in its brackets',
      '[fe80::1%eth0]:80': 'holds no IPv6 address in its brackets',
      'a:080': 'has a port that is not a whole number from 0 to 65535',
      'a:65536': 'has a port that is not a whole number from 0 to 65535',
      'a:-1': 'has a port that is not a whole number from 0 to 65535',
      '1.2.3:80': 'has a host that is neither an IP address nor a DNS name',
      '127.0.0.01:80': 'has a host that is neither an IP address nor a DNS name',
      'a b:80': 'has a host that is neither an IP address nor a DNS name',
      'a..b:80': 'has a host that is neither an IP address nor a DNS name',
      '-a:80': 'has a host that is neither an IP address nor a DNS name',
    };
    for (const [text, fault] of Object.entries(wrong)) assert.deepEqual(parseHostPort(text), { fault }, text);
  });

  it('reads what printHostPort writes', () => {
    const hosts = fc.oneof(fc.ipV4(), fc.domain(), fc.constant('::1'), fc.constant('fd00::5'));
    fc.assert(
      fc.property(hosts, fc.nat(65_535), (host, port) => {
        const address = { host: host.toLowerCase(), port };
        assert.deepEqual(parseHostPort(printHostPort(address)), address);
      }),
      { seed: 3 },
    );
  });
});

describe('isLoopback', () => {
  it('knows what nothing outside can reach', () => {
    for (const host of ['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST']) {
      assert.equal(isLoopback(host), true, host);
    }
    for (const host of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '::ffff:127.0.0.1',
      'localhost.example',
      '127.example',
      '1270.0.0.1',
    ]) {
      assert.equal(isLoopback(host), false, host);
    }
  });
});

describe('isDnsName', () => {
  it('takes names, not numbers', () => {
    for (const name of ['a', 'a-b.c', '_srv.a', '1a', 'a.1b']) assert.equal(isDnsName(name), true, name);
    for (const name of ['', '.', 'a.', '-a', 'a-', '1.2.3.4', 'a.1', 'a b', `${'x'.repeat(64)}.a`, 'é']) {
      assert.equal(isDnsName(name), false, name);
    }
  });
});

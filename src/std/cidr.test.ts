import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressBytes, enclosingCidr, isInCidr, parseCidr, printCidr } from './cidr.ts';

const seed = 20_261_121;
const addresses = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('10.0.0.1', '10.255.255.255', '11.0.0.0', '::', '::1', '2001:db8::1', '2001:db9::'),
);

test('an address is in a range where node:net says so', () => {
  let inside = 0;
  const property = fc.property(addresses, addresses, fc.nat(128), (network, address, drawn) => {
    const bits = Math.min(drawn, isIPv4(network) ? 32 : 128);
    const cidr = parseCidr(enclosingCidr(`${network}/${bits}`));
    // Addresses that hold an IPv4 one are written as IPv4.
    if ('fault' in cidr) return assert.equal(cidr.fault, 'mapped');
    const bytes = addressBytes(address);
    assert.ok(bytes);
    if (isIPv4(network) !== isIPv4(address))
      return assert.equal(isInCidr(bytes, cidr), bytes.length === cidr.bytes.length && isInCidr(bytes, cidr));
    const list = new BlockList();
    list.addSubnet(network, bits, isIPv4(network) ? 'ipv4' : 'ipv6');
    const expected = list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
    if (expected) inside += 1;
    assert.equal(isInCidr(bytes, cidr), expected, `${address} in ${network}/${bits}`);
  });
  fc.assert(property, { seed, numRuns: 4000 });
  assert.ok(inside > 100, `${inside} were inside`);
});

test('a range is printed in one way, and read again as the same', () => {
  const property = fc.property(addresses, fc.nat(128), (network, drawn) => {
    const cidr = parseCidr(enclosingCidr(`${network}/${Math.min(drawn, isIPv4(network) ? 32 : 128)}`));
    if ('fault' in cidr) return;
    assert.deepEqual(parseCidr(printCidr(cidr)), cidr);
  });
  fc.assert(property, { seed, numRuns: 500 });
});

test('an address alone is the range of one', () => {
  for (const [text, printed] of [
    ['10.0.0.7', '10.0.0.7/32'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1/128'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8:0:0:0:0:0:0/32'],
  ] as const) {
    const cidr = parseCidr(text);
    assert.equal('fault' in cidr ? cidr.fault : printCidr(cidr), printed);
  }
});

for (const [text, fault] of [
  ['10.0.0.1/8', 'host-bits'],
  ['2001:db8::1/32', 'host-bits'],
  ['10.0.0.0/33', 'malformed'],
  ['10.0.0.0/08', 'malformed'],
  ['10.0.0.0/', 'malformed'],
  ['10.0/8', 'malformed'],
  ['010.0.0.0/8', 'malformed'],
  ['fe80::1%eth0', 'malformed'],
  ['::ffff:10.0.0.0/104', 'mapped'],
  ['', 'malformed'],
] as const) {
  test(`${text} is ${fault}`, () => assert.deepEqual(parseCidr(text), { fault }));
}

test('what a listener for both sees as IPv6 is IPv4, a zone is left out, and the rest is no address', () => {
  assert.deepEqual(addressBytes('::ffff:10.0.0.1'), [10, 0, 0, 1]);
  assert.deepEqual(addressBytes('fe80::1%eth0'), addressBytes('fe80::1'));
  assert.equal(addressBytes(''), undefined);
  assert.equal(addressBytes('unix'), undefined);
});

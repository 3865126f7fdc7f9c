import { isIP } from 'node:net'

import fc from 'fast-check'
import t from 'tap'

import { namesOf, parseRange } from '../../src/base/network.ts'
import type { Range } from '../../src/base/network.ts'

function range(text: string): Range {
  const parsed = parseRange(text)
  if (typeof parsed === 'string') throw new Error(`${text}: ${parsed}`)
  return parsed
}

t.test('a range holds what lies in it, and nothing beside it', async (t) => {
  for (const [text, inside, outside] of [
    ['10.0.0.0/8', '10.255.255.255', '11.0.0.0'],
    ['169.254.0.0/16', '169.254.169.254', '169.253.255.255'],
    ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
    ['192.0.2.7/32', '192.0.2.7', '192.0.2.6'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['::/0', 'ffff::1', '192.0.2.7'],
    ['fe80::/10', 'febf::1', 'fec0::1'],
    ['::1', '0:0:0:0:0:0:0:1', '::'],
    ['FD00:EC2::254', 'fd00:0ec2:0:0:0:0:0:254', 'fd00:ec2::255'],
    ['::ffff:10.0.0.0/104', '10.1.2.3', '11.1.2.3'],
  ] as const) {
    t.equal(range(text).text, text)
    t.ok(range(text).holds(inside), `${inside} is in ${text}`)
    t.notOk(range(text).holds(outside), `${outside} is not in ${text}`)
  }
})

t.test('what is no range is refused, with a reason', async (t) => {
  const neither = 'is neither an address nor a range'
  for (const [text, why] of [
    ['', neither],
    ['localhost', neither],
    ['10', neither],
    ['10.0.0/8', neither],
    ['010.0.0.1', neither],
    ['10.0.0.0/', neither],
    ['10.0.0.0/-1', neither],
    ['10.0.0.0/8 ', neither],
    ['10.0.0.0-10.0.0.9', neither],
    ['fe80::1%eth0', neither],
    ['[::1]', neither],
    ['10.0.0.0/33', 'has a prefix longer than 32'],
    ['::/129', 'has a prefix longer than 128'],
    ['10.1.0.0/8', 'has bits behind its prefix of 8'],
    ['fe80::1/10', 'has bits behind its prefix of 10'],
  ] as const)
    t.equal(parseRange(text), why, text)
})

t.test('an address that carries another is known by both', async (t) => {
  for (const [address, names] of [
    ['192.0.2.7', ['192.0.2.7']],
    ['2001:db8::1', ['2001:db8::1']],
    ['::', ['::']],
    ['::1', ['::1']],
    ['::ffff:169.254.169.254', ['169.254.169.254']],
    ['::ffff:a9fe:a9fe', ['169.254.169.254']],
    ['::ffff:0:a9fe:a9fe', ['::ffff:0:a9fe:a9fe', '169.254.169.254']],
    ['::a9fe:a9fe', ['::a9fe:a9fe', '169.254.169.254']],
    ['64:ff9b::a9fe:a9fe', ['64:ff9b::a9fe:a9fe', '169.254.169.254']],
    ['64:ff9b:1::a9fe:a9fe', ['64:ff9b:1::a9fe:a9fe', '169.254.169.254']],
    ['2002:a9fe:a9fe::1', ['2002:a9fe:a9fe::1', '169.254.169.254']],
    ['fe80::1%eth0', ['fe80::1']],
  ] as const)
    t.strictSame(namesOf(address), names, address)
})

t.test('every text is a range or has a reason', async (t) => {
  const piece = fc.constantFrom('1', '255', '0', '.', ':', '::', 'ff', '/', '8', '64', '%')
  const near = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string(), near, fc.ipV4(), fc.ipV6()), (text) => {
      const parsed = parseRange(text)
      if (typeof parsed === 'string') t.match(parsed, /^(is|has) /)
      else if (isIP(text) !== 0)
        t.ok(
          namesOf(text).some((name) => parsed.holds(name)),
          text,
        )
    }),
    { numRuns: 2000 },
  )
})

t.test('however an IPv4 address is carried, it is found again', async (t) => {
  fc.assert(
    fc.property(
      fc.ipV4(),
      fc.constantFrom('::ffff:', '64:ff9b::', '::ffff:0:'),
      (v4, by) => {
        t.equal(namesOf(by + v4).at(-1), v4)
      },
    ),
  )
})

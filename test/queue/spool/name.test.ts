import { ok } from 'node:assert'

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import {
  formatDue,
  formatName,
  idIn,
  isStaged,
  laterName,
  nameTest,
  parseName,
  unclaimed,
} from '../../../src/queue/spool/name.ts'
import type { Name } from '../../../src/queue/spool/name.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const someName: fc.Arbitrary<Name> = fc.record(
  {
    due: fc.integer({ min: 0, max: LATEST }),
    tries: fc.integer({ min: 0, max: 999_999_999 }),
    id: fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
    lane: fc.oneof(
      fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
      fc.stringMatching(/^=[a-z0-9._-]{1,64}$/),
      fc.constantFrom('_event', '_adopt'),
    ),
    chain: fc.stringMatching(/^[0-9a-f]{8}$/),
    claim: fc.stringMatching(/^[0-9a-z]{1,24}$/),
  },
  { requiredKeys: ['due', 'tries', 'id', 'lane'], noNullPrototype: true },
)

/** One assertion for the whole property; its counterexample is in the failure. */
function holds<T>(t: Test, property: fc.IProperty<T>, runs = 500): void {
  t.doesNotThrow(() => fc.assert(property, { numRuns: runs }))
}

void t.test('names sort by due', async (t) => {
  const property = fc.property(someName, someName, (a, b) => {
    if (a.due < b.due) ok(formatName(a) < formatName(b))
  })
  holds(t, property)
})

void t.test('every name fits into a directory', async (t) => {
  const longest = formatName({
    due: LATEST,
    tries: 999_999_999,
    id: ID,
    lane: `=${'x'.repeat(64)}`,
    chain: 'abcdef01',
    claim: 'z'.repeat(24),
  })
  t.ok(Buffer.byteLength(longest) <= 255)
})

void t.test('what is no name of ours is none', async (t) => {
  const good = `20261120T101500.123Z,3,${ID}@ops`
  t.match(parseName(good), {
    due: Date.UTC(2026, 10, 20, 10, 15, 0, 123),
    tries: 3,
    lane: 'ops',
  })
  const bad = {
    'a day that no month has': good.replace('20261120', '20260231'),
    'an hour that no day has': good.replace('T10', 'T24'),
    'tries in another writing': good.replace(',3,', ',03,'),
    'tries that are negative': good.replace(',3,', ',-3,'),
    'an id of another alphabet': good.replace('01JD3', '01JDU'),
    'an id that overflows': good.replace(',01JD', ',81JD'),
    'a lane in capitals': good.replace('@ops', '@Ops'),
    'a lane with a dot, as temporary names of other programs have': `${good}.2540367546`,
    'no lane': good.replace('@ops', '@'),
    'a lane that nobody gave': good.replace('@ops', '@_mine'),
    'a chain that is none': `${good}~xyz`,
    'an empty claim': `${good}#`,
    'a folder': `${good}/x`,
    'a line end': `${good}\n`,
    'what stands before': ` ${good}`,
    nothing: '',
  }
  for (const [what, text] of Object.entries(bad)) t.equal(parseName(text), undefined, what)
})

void t.test(
  'times that no year of four digits has are the nearest that one has',
  async (t) => {
    t.equal(formatDue(-1), '19700101T000000.000Z')
    t.equal(formatDue(LATEST + 1), '99991231T235959.999Z')
    t.equal(formatDue(1.9), '19700101T000000.001Z')
  },
)

void t.test('a name without its claim is what a message is called elsewhere', async (t) => {
  const name = { due: 0, tries: 1, id: ID, lane: 'ops', chain: 'abcdef01' }
  t.strictSame(unclaimed({ ...name, claim: 'x1' }), name)
  t.strictSame(unclaimed(name), name)
})

void t.test(
  'a taken name gives way by milliseconds, to a name that is none of those',
  async (t) => {
    fc.assert(
      fc.property(someName, fc.integer({ min: 1, max: 1_000 }), (name, ms) => {
        const later = parseName(laterName(formatName(name), ms))
        t.match(later, { ...name, due: later?.due })
        t.equal(Math.abs(later!.due - name.due), ms)
      }),
    )
    t.equal(laterName('no name', 1), 'no name.1')
  },
)

void t.test("what begins with a dot is nobody's message", async (t) => {
  t.equal(isStaged(`.${ID}`), true)
  t.equal(isStaged(ID), false)
})

void t.test(
  'a stamp is a time exactly when it can be written again as it is',
  async (t) => {
    const digits = (most: number, width: number) =>
      fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(width, '0'))
    const parts = fc.tuple(
      fc.oneof(digits(9999, 4), fc.constantFrom('0000', '0070', '1969', '1970', '2024')),
      digits(14, 2),
      digits(33, 2),
      digits(26, 2),
      digits(62, 2),
      digits(62, 2),
      digits(999, 3),
    )
    const property = fc.property(parts, ([year, month, day, hour, minute, second, ms]) => {
      const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`
      const at = new Date(iso)
      const isTime = at.getTime() >= 0 && at.toISOString() === iso
      const name = parseName(`${iso.replace(/[-:]/g, '')},0,${ID}@ops`)
      ok(name?.due === (isTime ? at.getTime() : undefined))
    })
    holds(t, property, 5_000)
  },
)

void t.test('the id can be read from a name without reading the rest', async (t) => {
  holds(
    t,
    fc.property(someName, (name) => ok(idIn(formatName(name)) === name.id)),
  )
  for (const text of ['', '@', 'x@', '@ops', `${ID}`, 'no-name']) t.not(idIn(text), ID)
})

void t.test('the quick test tells what reading a name tells', async (t) => {
  const anyName = nameTest()
  const property = fc.property(
    someName,
    fc.option(fc.tuple(fc.nat(), fc.constantFrom('', '0', '9', 'z', 'I', '.', '#', '~'))),
    (name, change) => {
      const text = formatName(name)
      const at = change === null ? text.length : change[0] % text.length
      const other =
        change === null ? text : text.slice(0, at) + change[1] + text.slice(at + 1)
      const read = parseName(other)
      // Which months have a 31st is left to who reads it.
      if (/^\d{6}(?:29|3[01])/.test(other)) return
      ok(anyName.test(other) === (read !== undefined))
      ok(nameTest([name.lane]).test(other) === (read?.lane === name.lane))
      ok(!nameTest(['x', `${name.lane}x`]).test(text) || name.lane === 'x')
    },
  )
  holds(t, property, 2_000)
  t.notOk(nameTest([]).test(formatName({ due: 0, tries: 0, id: ID, lane: 'ops' })))
})

import { linkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'

import type { State } from '../../../src/message/state.ts'
import { compareTwins } from '../../../src/queue/spool/twins.ts'
import { Yard, anId, sealed } from './yard.ts'

const AT = '2026-11-20T10:00:00.000Z'
const LINE = `{"at":"${AT}","try":1,"outcome":"deferred","reason":"x"}\n`

void t.test(
  'of two files the one counts that has all of the other, and more',
  async (t) => {
    const folder = t.testdir()
    const [a, b] = [join(folder, 'a'), join(folder, 'b')]
    const property = fc.property(
      fc.uint8Array(),
      fc.uint8Array({ minLength: 1 }),
      (begin, more) => {
        writeFileSync(a, begin)
        writeFileSync(b, Buffer.concat([begin, more]))
        if (compareTwins(a, b) !== 'second') throw new Error('the longer is later')
        if (compareTwins(b, a) !== 'first') throw new Error('on either side')
        writeFileSync(a, Buffer.concat([begin, more.map((byte) => byte ^ 1)]))
        if (compareTwins(a, b) !== 'neither') throw new Error('they differ')
      },
    )
    t.doesNotThrow(() => fc.assert(property))
    writeFileSync(a, 'same')
    writeFileSync(b, 'same')
    t.equal(compareTwins(a, b), 'first', 'of equals, the first')
  },
)

void t.test('files that differ only far behind differ', async (t) => {
  const folder = t.testdir()
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const long = Buffer.alloc(3 * 1024 * 1024)
  writeFileSync(a, long)
  writeFileSync(b, long)
  t.equal(compareTwins(a, b), 'first')
  long[long.length - 1] = 1
  writeFileSync(b, long)
  t.equal(compareTwins(a, b), 'neither')
})

void t.test('what is gone does not count, and what is no file is no twin', async (t) => {
  const folder = t.testdir({ file: 'x', dir: {} })
  const path = (name: string) => join(folder, name)
  symlinkSync('file', path('link'))
  t.equal(compareTwins(path('file'), path('none')), 'first')
  t.equal(compareTwins(path('none'), path('file')), 'second')
  t.equal(compareTwins(path('none'), path('none')), 'first')
  t.equal(compareTwins(path('file'), path('link')), 'neither')
  t.equal(compareTwins(path('dir'), path('file')), 'neither')
})

/** Two files with one id, in the states where twins meet. */
const PAIRS: readonly (readonly [State, State])[] = [
  ['incoming', 'deferred'],
  ['deferred', 'incoming'],
  ['active', 'incoming'],
  ['active', 'deferred'],
  ['deferred', 'deferred'],
  ['incoming', 'incoming'],
  ['active', 'active'],
]

function nameIn(state: State, id: string, nth: number): string {
  const due = Date.parse('2026-11-20T09:00:00Z')
  if (state === 'active') return sealed({ id, due, claim: `x${nth}` }).name
  return sealed({ id, due: due + nth }).name
}

for (const [one, other] of PAIRS) {
  void t.test(
    `${one} and ${other}: of a file and its beginning the longer one stays`,
    async (t) => {
      for (const longer of [0, 1]) {
        const yard = await Yard.open(t, { recover: false })
        const { bytes, id } = sealed({ id: anId() })
        const contents = [bytes, Buffer.concat([bytes, Buffer.from(LINE)])]
        yard.put(one, nameIn(one, id, 0), contents[longer]!)
        yard.put(other, nameIn(other, id, 1), contents[1 - longer]!)
        await yard.restart()
        const lease = await yard.lease()
        t.equal(lease.id, id)
        const aside = yard.where().corrupt ?? 0
        t.equal(yard.ids().length, 1 + aside)
        const told = [yard.read('active'), ...(aside === 1 ? [yard.read('corrupt')] : [])]
        t.ok(
          told.some((file) => file.includes(LINE)),
          'nothing of the trail is lost',
        )
        // What was in active/ has a line more by now: then they differ, and both are kept.
        if (one !== 'active') t.equal(aside, 0)
      }
    },
  )

  void t.test(`${one} and ${other}: equal files become one`, async (t) => {
    const yard = await Yard.open(t, { recover: false })
    const { bytes, id } = sealed({ id: anId() })
    yard.put(one, nameIn(one, id, 0), bytes)
    yard.put(other, nameIn(other, id, 1), bytes)
    await yard.restart()
    t.equal((await yard.lease()).id, id)
    t.strictSame(yard.where(), { active: 1 })
  })

  void t.test(`${one} and ${other}: of files that differ both are kept`, async (t) => {
    const yard = await Yard.open(t, { recover: false })
    const id = anId()
    const [a, b] = [sealed({ id, body: 'a' }), sealed({ id, body: 'b' })]
    yard.put(one, nameIn(one, id, 0), a.bytes)
    yard.put(other, nameIn(other, id, 1), b.bytes)
    await yard.restart()
    const lease = await yard.lease()
    t.strictSame(yard.where(), { active: 1, corrupt: 1 })
    const bodies = [(await yard.bodyOf(lease)).toString(), bodyIn(yard.read('corrupt'))]
    t.strictSame(bodies.toSorted(), ['a', 'b'])
    t.match(yard.said('corrupt'), [{ id, message: /another message has its id/ }])
    t.match(
      yard.read('corrupt').toString(),
      /another message has its id/,
      'and the file says so',
    )
  })
}

function bodyIn(bytes: Buffer): string {
  return bytes.toString().split('\n')[1]!
}

void t.test('a file with the very same name elsewhere is never written over', async (t) => {
  const yard = await Yard.open(t)
  const future = Date.now() + 3_600_000
  const id = anId()
  // The daemon does not know the one in deferred/ yet: it came by hand.
  const [victim, intruder] = ['victim', 'intruder'].map((body) =>
    sealed({ id, due: future, body }),
  )
  yard.put('deferred', victim!.name, victim!.bytes)
  yard.put('incoming', intruder!.name, intruder!.bytes)
  await yard.claim()
  t.strictSame(yard.where(), { deferred: 2 }, 'one moved beside the other')
  await yard.restart()
  t.strictSame(
    yard.where(),
    { deferred: 1, corrupt: 1 },
    'and when both are known, one goes aside',
  )
  const bodies = [bodyIn(yard.read('deferred')), bodyIn(yard.read('corrupt'))]
  t.strictSame(bodies.toSorted(), ['intruder', 'victim'])
})

void t.test('two links of one file become one', async (t) => {
  for (const [one, other] of [
    ['incoming', 'deferred'],
    ['active', 'incoming'],
  ] as const) {
    const yard = await Yard.open(t, { recover: false })
    const { bytes, id } = sealed()
    const first = yard.put(one, nameIn(one, id, 0), bytes)
    linkSync(yard.path(one, first), yard.path(other, nameIn(other, id, 0)))
    await yard.restart()
    t.equal((await yard.lease()).id, id)
    t.strictSame(yard.where(), { active: 1 }, `${one} and ${other}`)
  }
})

void t.test('a link in the place of a twin stops nothing', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send()
  await yard.claim({ room: () => 0 })
  symlinkSync('/etc/passwd', yard.path('incoming', sealed({ id, due: 1_000 }).name))
  await yard.claim({ room: () => 0 })
  t.strictSame(yard.where(), { incoming: 1, corrupt: 1 })
  t.equal((await yard.lease()).id, id)
})

import { deepStrictEqual, ok, strictEqual } from 'node:assert'

import fc from 'fast-check'
import t from 'tap'

import { Agenda } from '../../../src/queue/spool/agenda.ts'
import { waitingIn } from '../../../src/queue/spool/waiting.ts'
import type { Waiting } from '../../../src/queue/spool/waiting.ts'
import { sealed } from './yard.ts'

let numbers = 0

function waiting(lane: string, due: number, state: Waiting['state'] = 'deferred'): Waiting {
  const id = String(numbers++).padStart(8, '0')
  return { state, file: `${due},${id}@${lane}`, id, lane, due }
}

const everywhere = () => Infinity

/** What lies in the folder: the agenda forgets, the folder does not. */
class Folder {
  readonly agenda: Agenda
  readonly files = new Map<string, Waiting>()
  readings = 0

  constructor(most: number) {
    this.agenda = new Agenda(most)
  }

  put(...entries: Waiting[]): void {
    for (const entry of entries) this.files.set(entry.id, entry)
  }

  read(): void {
    this.readings++
    this.agenda.beginReading()
    // readdir knows no order.
    for (const entry of [...this.files.values()].toSorted((a, b) => hash(a) - hash(b)))
      this.agenda.add(entry)
    this.agenda.endReading(true)
  }

  /** Takes all that is due, and reads again whenever a lane ran dry. */
  drain(now: number, room = everywhere, max = 50): Waiting[] {
    const taken: Waiting[] = []
    for (;;) {
      if (this.agenda.starving(now)) this.read()
      const some = this.agenda.take(now, room, max)
      if (some.length === 0 && !this.agenda.starving(now)) return taken
      for (const entry of some) this.files.delete(entry.id)
      taken.push(...some)
    }
  }
}

function hash({ id }: Waiting): number {
  return (Number(id) * 2_654_435_761) % 1_000_003
}

void t.test(
  'ten times as many as fit: each is taken once, in the order of its lane',
  async (t) => {
    const folder = new Folder(50)
    for (let n = 0; n < 500; n++)
      for (const lane of ['a', 'b', 'c'])
        folder.put(waiting(lane, 1_000 + hash(waiting('x', n))))
    folder.read()
    const taken = folder.drain(Infinity)
    t.equal(taken.length, 1_500)
    t.equal(new Set(taken.map(({ id }) => id)).size, 1_500)
    for (const lane of ['a', 'b', 'c']) {
      const dues = taken.filter((entry) => entry.lane === lane).map(({ due }) => due)
      t.strictSame(
        dues,
        dues.toSorted((a, b) => a - b),
        `${lane} by due`,
      )
    }
    t.ok(folder.readings > 5 && folder.readings < 40, `${folder.readings} readings`)
  },
)

void t.test(
  'whatever comes, goes and waits, none is lost and none comes twice',
  async (t) => {
    const lane = fc.constantFrom('a', 'b')
    const steps = fc.array(
      fc.oneof(
        fc.record({ put: lane, due: fc.nat(100) }),
        fc.record({ take: fc.nat(100), max: fc.integer({ min: 1, max: 5 }) }),
        fc.record({ forget: fc.nat(30) }),
        fc.constant({ read: true }),
      ),
      { maxLength: 120 },
    )
    const property = fc.property(steps, (all) => {
      const folder = new Folder(3)
      const taken: string[] = []
      const put: string[] = []
      for (const step of all)
        if ('put' in step) {
          const entry = waiting(step.put, step.due)
          put.push(entry.id)
          folder.put(entry)
          folder.agenda.add(entry)
        } else if ('take' in step) {
          for (const entry of folder.agenda.take(step.take, everywhere, step.max)) {
            ok(entry.due <= step.take, 'never before its time')
            ok(folder.files.delete(entry.id), 'never twice')
            taken.push(entry.id)
          }
        } else if ('forget' in step) {
          const id = put[step.forget]
          if (id !== undefined && folder.files.delete(id)) taken.push(id)
          if (id !== undefined) folder.agenda.forget(id)
        } else folder.read()
      taken.push(...folder.drain(Infinity).map(({ id }) => id))
      deepStrictEqual(taken.toSorted(), put.toSorted())
    })
    t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  },
)

void t.test(
  'memory stays bounded, whatever the number and the order of dues',
  async (t) => {
    for (const order of [
      (n: number) => n,
      (n: number) => -n,
      (n: number) => (n * 7_919) % 10_007,
    ]) {
      const agenda = new Agenda(100)
      for (let n = 0; n < 10_000; n++) agenda.add(waiting('a', order(n)))
      t.ok(agenda.size <= 200, `${agenda.size} of 10,000`)
      const taken = agenda.take(Infinity, everywhere, 100).map(({ due }) => due)
      const nearest = Array.from({ length: 10_000 }, (_, n) => order(n)).toSorted(
        (a, b) => a - b,
      )
      t.strictSame(taken, nearest.slice(0, 100))
    }
  },
)

void t.test('entries that die do not fill it', async (t) => {
  const agenda = new Agenda(10)
  const entry = waiting('a', 1)
  for (let n = 0; n < 1_000; n++) agenda.add({ ...entry, due: n })
  t.equal(agenda.size, 1)
  t.strictSame(agenda.take(Infinity, everywhere, 9), [{ ...entry, due: 999 }])
  t.strictSame(agenda.take(Infinity, everywhere, 9), [])
})

void t.test('lanes take turns, from one take to the next', async (t) => {
  const agenda = new Agenda()
  for (let n = 0; n < 6; n++)
    for (const lane of ['a', 'b', 'c']) agenda.add(waiting(lane, n))
  const lanes = () => agenda.take(10, everywhere, 2).map(({ lane }) => lane)
  const turns = [lanes(), lanes(), lanes()].flat()
  t.strictSame(turns.toSorted(), ['a', 'a', 'b', 'b', 'c', 'c'])
})

void t.test(
  'a lane is asked for its room as often as it could use it, and no more is taken',
  async (t) => {
    const agenda = new Agenda()
    for (let n = 0; n < 9; n++) for (const lane of ['a', 'b']) agenda.add(waiting(lane, n))
    const taken = agenda.take(10, (lane) => (lane === 'a' ? 2 : 0), 9)
    t.strictSame(
      taken.map(({ lane }) => lane),
      ['a', 'a'],
    )
  },
)

void t.test(
  'while the folder is read, what it may still bring nearer is not given out',
  async (t) => {
    const folder = new Folder(2)
    const all = Array.from({ length: 10 }, (_, n) => waiting('a', n))
    folder.put(...all)
    folder.read()
    const { agenda } = folder
    const dues = () => agenda.take(10, everywhere, 9).map(({ due }) => due)
    const first = dues()
    t.ok(first.length >= 2 && first.length < 5)
    t.equal(agenda.starving(10), true)
    agenda.beginReading()
    agenda.add(all[7]!)
    t.strictSame(dues(), [])
    t.ok(agenda.nextDue(everywhere)! <= 10, 'and who asks is told to come again')
    t.equal(agenda.starving(10), false, 'it is being read')
    for (const entry of all.slice(first.length)) agenda.add(entry)
    agenda.endReading(true)
    const both = [...first, ...dues()]
    t.strictSame(
      both,
      Array.from(both, (_, n) => n),
      'in their order, and none left out',
    )
  },
)

void t.test('what was nearer than all that is forgotten goes out meanwhile', async (t) => {
  const folder = new Folder(2)
  folder.put(...Array.from({ length: 10 }, (_, n) => waiting('a', 100 + n)))
  folder.read()
  folder.agenda.beginReading()
  folder.agenda.add(waiting('a', 5))
  t.strictSame(
    folder.agenda
      .take(1_000, everywhere, 9)
      .map(({ due }) => due)
      .slice(0, 1),
    [5],
  )
})

void t.test('a reading that failed is no reading: the lane still starves', async (t) => {
  const folder = new Folder(2)
  folder.put(...Array.from({ length: 10 }, (_, n) => waiting('a', n)))
  folder.read()
  folder.agenda.take(10, everywhere, 9)
  folder.agenda.beginReading()
  folder.agenda.endReading(false)
  t.equal(folder.agenda.starving(10), true)
})

void t.test(
  'what is too far off is refused, and its time is known all the same',
  async (t) => {
    const agenda = new Agenda(2)
    const kept = Array.from({ length: 6 }, (_, n) => agenda.add(waiting('a', n)))
    t.equal(agenda.add(waiting('a', 50)), false)
    t.ok(kept.includes(true))
    agenda.take(100, everywhere, 9)
    t.ok(agenda.nextDue(everywhere)! < 50)
    t.equal(
      agenda.nextDue(() => 0),
      undefined,
    )
  },
)

void t.test('a name that is beyond says so before it is read', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', '=x-80'), fc.nat(30)), {
        maxLength: 60,
      }),
      (wanted) => {
        const agenda = new Agenda(3)
        for (const [lane, due] of wanted) {
          const { name } = sealed({ lane, due })
          const beyond = agenda.isBeyond(name)
          const added = agenda.add(waitingIn('deferred', name)!)
          if (beyond) strictEqual(added, false)
          else ok(added || agenda.isBeyond(name), 'it was kept, or cut off just now')
        }
      },
    ),
  )
  const agenda = new Agenda(1)
  const [near, ...far] = [1, 5, 6, 7, 8].map((due) => sealed({ lane: 'a', due }).name)
  for (const file of [near!, ...far]) agenda.add(waitingIn('deferred', file)!)
  t.ok(agenda.isBeyond(sealed({ lane: 'a', due: 9 }).name))
  t.notOk(agenda.isBeyond(sealed({ lane: 'b', due: 9 }).name), 'another lane has room')
  const { id } = waitingIn('deferred', near!)!
  const twin = sealed({ lane: 'a', due: 9, id }).name
  t.notOk(agenda.isBeyond(twin), 'a file with an id that waits is looked at')
  agenda.leaves({ id: 'out', lane: 'c', chain: 'cafe0000' })
  t.notOk(
    agenda.isBeyond(sealed({ lane: 'a', due: 9 }).name),
    'it may be one that comes back',
  )
})

void t.test(
  'what stands on the doorstep is counted, and its latest are too much',
  async (t) => {
    const agenda = new Agenda()
    const incoming = Array.from({ length: 5 }, (_, n) => waiting('a', n, 'incoming'))
    for (const entry of [...incoming, waiting('b', 9)]) agenda.add(entry)
    t.equal(agenda.incoming, 5)
    t.strictSame(
      agenda.excess(3).map(({ due }) => due),
      [4, 3],
    )
    t.strictSame(agenda.excess(5), [])
    agenda.add({ ...incoming[4]!, state: 'deferred' })
    agenda.forget(incoming[3]!.id)
    agenda.take(0, everywhere, 1)
    t.equal(agenda.incoming, 2)
  },
)

void t.test('an entry is what its name says', async (t) => {
  const { name, id } = sealed({ due: 1_000, lane: 'crm' })
  t.strictSame(waitingIn('incoming', name), {
    state: 'incoming',
    file: name,
    id,
    lane: 'crm',
    due: 1_000,
  })
  t.equal(waitingIn('incoming', `${name}#x1`), undefined, 'a claimed one does not wait')
  t.equal(waitingIn('incoming', 'mine'), undefined)
})

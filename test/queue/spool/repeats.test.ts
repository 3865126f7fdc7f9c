/**
 * repeats - the sieve misses no id that came twice, and suspects next to no other.
 */
import { randomFillSync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'

import { idMaker } from '../../../src/message/id.ts'
import { Sieve } from '../../../src/queue/spool/repeats.ts'

t.test('every id that was added twice is suspected', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (picks) => {
      const sieve = new Sieve()
      const ids = picks.map((pick) => `01K${String(pick).padStart(23, '0')}`)
      for (const id of ids) sieve.add(id)
      const twice = ids.filter((id, at) => ids.indexOf(id) !== at)
      return (
        twice.every((id) => sieve.mayRepeat(id)) && sieve.anySuspect === twice.length > 0
      )
    }),
  )
})

t.test('among a hundred thousand of one moment hardly any is suspected', async (t) => {
  const nextId = idMaker(
    () => Date.UTC(2026, 10, 20),
    (bytes) => randomFillSync(bytes),
  )
  const sieve = new Sieve()
  const ids = Array.from({ length: 100_000 }, nextId)
  for (const id of ids) sieve.add(id)
  // By chance one pair of hashes; ids that only count up may not be worse than random ones.
  t.ok(ids.filter((id) => sieve.mayRepeat(id)).length < 50)
  sieve.add(ids[77_777]!)
  t.equal(sieve.mayRepeat(ids[77_777]!), true, 'also one that came after a look')
})

/**
 * child - ids that follow from others.
 */
import fc from 'fast-check'
import t from 'tap'

import { childId, orderlyChildId } from '../../src/message/child.ts'
import { idMaker, idTime, isId } from '../../src/message/id.ts'

const someId = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)

t.test('it is as old as its parent, and the same each time', async () => {
  fc.assert(
    fc.property(someId, fc.string(), fc.string(), (parent, to, state) => {
      const id = childId(parent, to, state)
      const same = id === childId(parent, to, state)
      return isId(id) && idTime(id) === idTime(parent) && same && id !== parent
    }),
  )
})

t.test('another parent, place or state has another child', async (t) => {
  const parent = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
  const ids = [
    childId(parent, 'ops', '1'),
    childId(parent, 'crm', '1'),
    childId(parent, 'ops', '2'),
    childId(`${parent.slice(0, -1)}Q`, 'ops', '1'),
  ]
  t.equal(new Set(ids).size, 4)
})

t.test('what events become is in their order at each place', async (t) => {
  const next = idMaker(
    () => 1_000_000,
    (bytes) => bytes.fill(31),
  )
  const events = Array.from({ length: 200 }, next)
  for (const to of ['ops', 'crm', 'chat']) {
    const ids = events.map((id) => orderlyChildId(id, to))
    t.strictSame(ids, ids.toSorted(), to)
    t.ok(ids.every((id, n) => isId(id) && idTime(id) === idTime(events[n]!)))
    t.strictSame(
      ids,
      events.map((id) => orderlyChildId(id, to)),
      'and the same each time',
    )
  }
  const all = events.flatMap((id) => ['ops', 'crm'].map((to) => orderlyChildId(id, to)))
  t.equal(new Set([...all, ...events]).size, 600)
})

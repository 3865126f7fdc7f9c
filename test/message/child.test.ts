/**
 * child - ids that follow from others.
 */
import fc from 'fast-check'
import t from 'tap'

import { childId } from '../../src/message/child.ts'
import { idTime, isId } from '../../src/message/id.ts'

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

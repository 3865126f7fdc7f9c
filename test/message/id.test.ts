/**
 * id - names that sort by time, and never repeat or step back in one process.
 */
import { randomFillSync } from 'node:crypto'

import fc from 'fast-check'
import tap from 'tap'

import { idMaker, idTime, isId, isIdEnding, shortId } from '../../src/message/id.ts'

const LATEST = 2 ** 48 - 1
const random = (bytes: Uint8Array) => randomFillSync(bytes)
const times = fc.array(fc.integer({ min: 0, max: LATEST - 1 }), { minLength: 1 })

tap.test(
  'ids strictly increase, also when the clock stands still or steps back',
  async () => {
    fc.assert(
      fc.property(times, fc.boolean(), (clock: number[], full: boolean) => {
        const left = [...clock]
        // Random bytes that are all ones carry over into the next millisecond.
        const fill = full ? (bytes: Uint8Array) => bytes.fill(255) : random
        const next = idMaker(() => left.shift()!, fill)
        const ids = clock.map(() => next())
        return ids.every((id, n) => isId(id) && (n === 0 || ids[n - 1]! < id))
      }),
    )
  },
)

tap.test('an id tells when it was made', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: LATEST }),
      (ms: number) => idTime(idMaker(() => ms, random)()) === ms,
    ),
  )
  t.equal(idTime(idMaker(() => 1.9, random)()), 1, 'in whole milliseconds')
  t.equal(idTime('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 1469922850259, 'as the specification says')
})

tap.test('a clock before 1970 makes ids too', async (t) => {
  const next = idMaker(() => -5, random)
  const first = next()
  t.ok(isId(first))
  t.ok(next() > first)
  const other = idMaker(() => -5, random)
  t.not(other(), first, 'and two programs not the same ones')
})

tap.test('known bytes make a known id', async (t) => {
  t.equal(
    idMaker(
      () => 0,
      (bytes) => bytes.fill(0),
    )(),
    '0'.repeat(26),
  )
  t.equal(
    idMaker(
      () => LATEST,
      (bytes) => bytes.fill(255),
    )(),
    '7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  )
})

tap.test('two makers do not meet', async (t) => {
  const one = idMaker(() => 5, random)
  const two = idMaker(() => 5, random)
  const ids = new Set(Array.from({ length: 1000 }, (_, n) => (n % 2 ? one() : two())))
  t.equal(ids.size, 1000)
})

tap.test('what is no id is told apart', async (t) => {
  const id = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
  t.ok(isId(id))
  for (const text of [
    '',
    id.toLowerCase(),
    `${id}0`,
    id.slice(1),
    ` ${id}`,
    `${id}\n`,
    `8${id.slice(1)}`,
    id.replace('Q', 'I'),
    id.replace('Q', 'L'),
    id.replace('Q', 'O'),
    id.replace('Q', 'U'),
    id.replace('Q', '/'),
  ])
    t.notOk(isId(text), JSON.stringify(text))
})

tap.test('six characters of the end will do for a person, in either case', async (t) => {
  for (const text of ['9V0A1P', '9v0a1p', '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'])
    t.ok(isIdEnding(text), text)
  for (const text of ['', '0A1P', 'V0A1P', '9V0A1U', '9V0A1P ', '*9V0A1P', '0'.repeat(27)])
    t.notOk(isIdEnding(text), text)
})

tap.test('the short id is the end of the whole one', async (t) => {
  t.equal(shortId('01JD3Z8K6Q4W5E6R7T8Y9V0A1P'), '8Y9V0A1P')
  t.ok(isIdEnding(shortId('01JD3Z8K6Q4W5E6R7T8Y9V0A1P')))
})

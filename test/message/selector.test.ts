/**
 * selector - which messages are meant: every given part must hold.
 */
import fc from 'fast-check'
import tap from 'tap'

import { matches } from '../../src/message/selector.ts'
import type { Entry, Selector } from '../../src/message/selector.ts'
import { STATES, isState } from '../../src/message/state.ts'

const entry: Entry = {
  id: '01JD3Z8K6Q4W5E6R7T8Y9V0A1P',
  state: 'deferred',
  lane: 'ops',
  due: 5_000,
  tries: 3,
}

tap.test('an empty selector means every message', async (t) => {
  t.ok(matches({}, entry, 1_000))
  t.ok(matches({ limit: 0 }, entry, 1_000), 'the limit is for the caller to keep')
})

const YES: readonly Selector[] = [
  { ids: [entry.id] },
  { ids: ['9V0A1P'] },
  { ids: ['XXXXXX', '9V0A1P'] },
  { states: ['deferred'] },
  { states: ['hold', 'deferred'] },
  { lanes: ['ops'] },
  { lanes: ['crm', 'ops'] },
  { before: 1_001 },
  { after: 1_000 },
  { triesOver: 2 },
  { triesOver: 0 },
]
const NO: readonly Selector[] = [
  { ids: [] },
  { ids: ['9V0A1X'] },
  { ids: [entry.id.slice(0, 10)] },
  { states: [] },
  { states: ['hold'] },
  { lanes: [] },
  { lanes: ['op'] },
  { lanes: ['=ops_443'] },
  { before: 1_000 },
  { before: 0 },
  { after: 1_001 },
  { triesOver: 3 },
]

tap.test('each part alone', async (t) => {
  for (const part of YES) t.ok(matches(part, entry, 1_000), JSON.stringify(part))
  for (const part of NO) t.notOk(matches(part, entry, 1_000), JSON.stringify(part))
})

tap.test('parts together all hold, or none counts', async () => {
  fc.assert(
    fc.property(
      fc.subarray([...YES], { minLength: 1 }),
      fc.constantFrom(...NO),
      (good: Selector[], bad: Selector) => {
        const all: Selector = Object.assign({}, ...good)
        return matches(all, entry, 1_000) && !matches({ ...all, ...bad }, entry, 1_000)
      },
    ),
  )
})

tap.test('before and after part the time without gap or overlap', async () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (at: number, border: number) => {
      const before = matches({ before: border }, entry, at)
      return before !== matches({ after: border }, entry, at)
    }),
  )
})

tap.test('a state is one of six', async (t) => {
  t.strictSame(STATES, ['incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt'])
  for (const state of STATES) t.ok(isState(state))
  for (const text of ['', 'held', 'Hold', 'sent', 'toString']) t.notOk(isState(text))
})

/**
 * selector - which messages are meant: every given part must hold.
 */
import fc from 'fast-check'
import tap from 'tap'

import type { Envelope } from '../../src/message/envelope.ts'
import { matches, storyMatcher } from '../../src/message/selector.ts'
import type { Entry, Selector, Story } from '../../src/message/selector.ts'
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

const STORY: Story = {
  envelope: {
    event: 'user.created',
    key: 'order-7.1',
    sender: { uid: 1000, user: 'ann' },
  } as unknown as Envelope,
  trail: [
    { at: '2026-11-20T10:00:00Z', try: 1, outcome: 'deferred', reason: '503 Busy' },
    { at: '2026-11-20T10:01:00Z', try: 2, outcome: 'bounced', reason: '401 Unauthorized' },
    { at: '2026-11-20T10:02:00Z', act: 'flushed', by: 'bob' },
  ],
}

tap.test('a selector that asks nothing of the file opens none', async (t) => {
  for (const part of YES) t.equal(storyMatcher(part), undefined, JSON.stringify(part))
})

tap.test('what only the file says', async (t) => {
  const cases: readonly [Selector, boolean][] = [
    [{ reasons: ['401'] }, true],
    [{ reasons: ['unauth'] }, true],
    [{ reasons: ['x', '401 U'] }, true],
    [{ reasons: ['503'] }, false],
    [{ reasons: ['4.1'] }, false],
    [{ events: ['user.created'] }, true],
    [{ events: ['user.*'] }, true],
    [{ events: ['*'] }, true],
    [{ events: ['user'] }, false],
    [{ events: ['User.*'] }, false],
    [{ keys: ['order-7.1'] }, true],
    [{ keys: ['order-7*1'] }, true],
    [{ keys: ['order-711'] }, false],
    [{ keys: ['order-7x1'] }, false],
    [{ senders: ['ann'] }, true],
    [{ senders: ['1000'] }, true],
    [{ senders: ['bob', 'a*'] }, true],
    [{ senders: ['100'] }, false],
    [{ senders: ['ann'], reasons: ['503'] }, false],
    [{ senders: ['ann'], reasons: ['401'] }, true],
  ]
  for (const [selector, expected] of cases)
    t.equal(storyMatcher(selector)!(STORY), expected, JSON.stringify(selector))
  const bare = { trail: [] }
  for (const selector of [{ reasons: ['x'] }, { events: ['*'] }, { senders: ['*'] }])
    t.equal(storyMatcher(selector)!(bare), false, 'nor of a file that says nothing')
})

tap.test('an operator is part of the reason', async (t) => {
  const at = '2026-11-20T10:00:00Z'
  const told = (reason?: string): Story => ({
    trail: [{ at, act: 'held', by: 'ann', ...(reason === undefined ? {} : { reason }) }],
  })
  t.ok(storyMatcher({ reasons: ['held by ann'] })!(told()))
  t.ok(storyMatcher({ reasons: ['too loud'] })!(told('Too loud')))
})

tap.test('a pattern without * is the text itself', async () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      const plain = a.replaceAll('*', '')
      const story = { envelope: { key: b } as unknown as Envelope, trail: [] }
      return storyMatcher({ keys: [plain] })!(story) === (plain === b)
    }),
  )
})

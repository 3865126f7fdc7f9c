/**
 * trail - what can be read of a story that crashes have torn, and what it counts for.
 */
import tap from 'tap'

import {
  formatTrailLine,
  interruptions,
  isAttempt,
  parseTrail,
  renewedAt,
  unendedSince,
} from '../../src/message/trail.ts'
import type { ActLine, AttemptLine, TrailLine } from '../../src/message/trail.ts'

const AT = '2026-11-20T10:15:00.123Z'
const attempt: AttemptLine = { at: AT, try: 1, outcome: 'deferred', reason: 'HTTP 503' }
const act = (name: ActLine['act'], at = AT): ActLine => ({ at, act: name })

tap.test('a line is one line', async (t) => {
  t.equal(formatTrailLine(act('held')), `{"at":"${AT}","act":"held"}\n`)
  t.equal(formatTrailLine({ ...attempt, reason: 'a\nb' }).split('\n').length, 2)
})

tap.test('a line that was appended behind a torn one is lost with it', async (t) => {
  const glued = `{"at":"${AT}","ac${formatTrailLine(act('held'))}${formatTrailLine(attempt)}`
  t.strictSame(parseTrail(glued), [attempt])
})

tap.test('JSON that is no line of a trail is skipped', async (t) => {
  const strange = [
    {},
    { at: AT },
    { act: 'held' },
    { at: 'soon', act: 'held' },
    { at: 5, act: 'held' },
    { at: AT, act: 5 },
    { at: AT, act: null },
    { at: AT, act: 'held', by: 5 },
    { at: AT, act: 'held', reason: {} },
    { at: AT, outcome: 'deferred' },
    { at: AT, outcome: 'deferred', try: 1 },
    { at: AT, outcome: 'deferred', try: '1', reason: 'x' },
    { at: AT, outcome: 5, try: 1, reason: 'x' },
    [{ at: AT, act: 'held' }],
    null,
    5,
  ]
  for (const row of strange) t.strictSame(parseTrail(JSON.stringify(row)), [])
  t.strictSame(parseTrail('\n\n'), [])
  t.strictSame(parseTrail(''), [])
})

tap.test('acts and members of a later msgq are kept', async (t) => {
  const later = { at: AT, act: 'expanded', more: 1 }
  t.same(parseTrail(JSON.stringify(later)), [later])
})

tap.test('an attempt is told from an act', async (t) => {
  t.equal(isAttempt(attempt), true)
  t.equal(isAttempt(act('held')), false)
})

tap.test('interruptions count since the last outcome or release', async (t) => {
  const cut = act('interrupted')
  const cases: [TrailLine[], number][] = [
    [[], 0],
    [[cut], 1],
    [[cut, cut, cut], 3],
    [[cut, attempt], 0],
    [[cut, attempt, cut, cut], 2],
    [[cut, cut, act('released')], 0],
    [[cut, act('requeued'), cut], 1],
    [[cut, act('held'), cut], 2],
    [[cut, act('flushed'), act('postponed'), cut], 2],
  ]
  for (const [story, count] of cases) t.equal(interruptions(story), count)
})

tap.test('an attempt that began and did not end', async (t) => {
  const sending: TrailLine = { ...act('sending'), try: 2 }
  const cases: [TrailLine[], number, boolean][] = [
    [[], 1, false],
    [[act('interrupted')], 1, false],
    [[attempt, sending], 1, true],
    [[sending, act('interrupted'), act('postponed'), act('flushed')], 1, true],
    [[sending, act('held'), act('expired')], 1, true],
    [[sending, attempt], 2, false],
    [[sending, act('returned')], 1, false],
    [[sending, act('released'), act('interrupted')], 1, false],
    [[sending, act('requeued')], 0, false],
    // Its line is missing, and the name has counted it.
    [[sending], 2, false],
    [[act('sending')], 7, true],
  ]
  for (const [story, tries, began] of cases)
    t.equal(unendedSince(story, tries), began ? AT : undefined, JSON.stringify(story))
})

tap.test(
  'a release or a requeue begins the lifetime anew, the last one counts',
  async (t) => {
    const [one, two] = ['2026-11-21T00:00:00.000Z', '2026-11-22T00:00:00.000Z']
    t.equal(renewedAt([]), undefined)
    t.equal(
      renewedAt([attempt, act('held'), act('flushed'), act('interrupted')]),
      undefined,
    )
    t.equal(renewedAt([act('released', one), attempt]), Date.parse(one))
    t.equal(renewedAt([act('released', one), act('requeued', two)]), Date.parse(two))
    t.equal(renewedAt([act('requeued', two), act('released', one)]), Date.parse(one))
  },
)

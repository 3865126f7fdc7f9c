/**
 * ratelimit - the dialects in which a receiver says that it has nothing more to give.
 */
import fc from 'fast-check'
import tap from 'tap'

import { judge } from '../../src/transport/answer.ts'
import { usedUpUntil } from '../../src/transport/ratelimit.ts'

const NOW = Date.parse('2026-11-20T10:00:00Z')
const DAY = 86_400_000

/** Seconds from now, or undefined. */
function wait(headers: Parameters<typeof usedUpUntil>[0], refused = false) {
  const until = usedUpUntil(headers, refused, NOW)
  return until === undefined ? undefined : (until - NOW) / 1000
}

tap.test('each dialect is understood', async (t) => {
  const epoch = String(NOW / 1000 + 90)
  const cases: [Record<string, string>, number][] = [
    [{ ratelimit: '"default";r=0;t=30' }, 30],
    [{ ratelimit: 'default;t=30;r=0' }, 30],
    [{ ratelimit: '"a";r=50;t=600, "b";r=0;t=30;pk=:aGk=:' }, 30],
    [{ ratelimit: '"a, b; c";r=0;t=5' }, 5],
    [{ ratelimit: '"a";r=0;t=30,"b";r=0;t=45' }, 45],
    [{ ratelimit: 'limit=100, remaining=0, reset=50' }, 50],
    [
      { ratelimit: '"hour";r=0', 'ratelimit-policy': '"min";q=5;w=60,"hour";q=9;w=3600' },
      3600,
    ],
    [{ 'ratelimit-remaining': '0', 'ratelimit-reset': '12' }, 12],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' }, 7],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': epoch }, 90],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${epoch}000` }, 90],
    [{ 'x-ratelimit-remaining': '0.0', 'x-ratelimit-reset': `${epoch}.250` }, 90.25],
    [
      {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': epoch,
        'x-ratelimit-reset-after': '1.337',
      },
      1.337,
    ],
    [{ 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': epoch }, 90],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m5s' }, 365],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '250ms' }, 0.25],
  ]
  for (const [headers, seconds] of cases)
    t.equal(wait(headers), seconds, JSON.stringify(headers))
})

tap.test('while something remains, nothing is closed', async (t) => {
  for (const headers of [
    { ratelimit: '"default";r=1;t=30' },
    { ratelimit: 'limit=100, remaining=3, reset=50' },
    { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '60' },
    { 'x-ratelimit-remaining': '10', 'x-ratelimit-reset-after': '60' },
    { 'x-ratelimit-remaining': '00001', 'x-ratelimit-reset': '60' },
  ])
    t.equal(wait(headers), undefined, JSON.stringify(headers))
})

tap.test('429 need not say that nothing remains', async (t) => {
  const headers = { 'x-ratelimit-reset': '60' }
  t.equal(wait(headers), undefined)
  t.equal(wait(headers, true), 60)
  t.equal(
    wait({ ...headers, 'x-ratelimit-remaining': '5' }, true),
    undefined,
    'that was another limit',
  )
})

tap.test('a time is measured against the clock of the receiver', async (t) => {
  const date = new Date(NOW + 3_600_000).toUTCString()
  const reset = String((NOW + 3_600_000) / 1000 + 60)
  t.equal(wait({ date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }), 60)
})

tap.test('what is past, malformed or too far is not believed', async (t) => {
  const past = String(NOW / 1000 - 5)
  const cases: [Record<string, string | string[]>, number | undefined][] = [
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': past }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '0' }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '-5' }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' }, undefined],
    [{ 'x-ratelimit-remaining': '0' }, undefined],
    [{ 'x-ratelimit-remaining': '', 'x-ratelimit-reset': '5' }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '999999999' }, DAY / 1000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' }, DAY / 1000],
    [{ ratelimit: '"default";r=0' }, undefined],
    [{ ratelimit: '"default;r=0;t=30' }, undefined],
    [{ ratelimit: '"a";r=0;t=30, =' }, undefined],
    [{ ratelimit: `"${'a'.repeat(3000)}";r=0;t=30` }, undefined],
    [{ ratelimit: ['"a";r=5;t=60', '"b";r=0;t=30'] }, 30],
    [{ 'x-ratelimit-remaining': ['0', '1'], 'x-ratelimit-reset': ['3', '4'] }, 3],
  ]
  for (const [headers, seconds] of cases)
    t.equal(wait(headers), seconds, JSON.stringify(headers))
})

tap.test(
  'whatever the fields hold, it is nothing or within a day, and soon found',
  async (t) => {
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.stringMatching(/^["a-z0-9;=, .:\\-]{0,2000}$/),
      fc.constantFrom(
        ' '.repeat(2000),
        ';a'.repeat(1000),
        '"\\'.repeat(1000),
        'a=,'.repeat(600),
      ),
    )
    const names = fc.constantFrom(
      'ratelimit',
      'ratelimit-policy',
      'x-ratelimit-reset',
      'date',
    )
    const began = performance.now()
    fc.assert(
      fc.property(fc.dictionary(names, text), fc.boolean(), (headers, refused) => {
        const until = usedUpUntil(
          { 'x-ratelimit-remaining': '0', ...headers },
          refused,
          NOW,
        )
        return until === undefined || (until > NOW && until <= NOW + DAY)
      }),
      { numRuns: 500 },
    )
    t.ok(performance.now() - began < 10_000)
  },
)

tap.test('the judgement of any answer says it beside', async (t) => {
  const headers = { ratelimit: '"default";r=0;t=30' }
  const answer = (status: number, more = {}) =>
    judge(
      { status, statusText: '', headers: { ...headers, ...more }, bytes: new Uint8Array() },
      NOW,
    )
  t.match(answer(200), { kind: 'delivered', laneUntil: NOW + 30_000 })
  t.match(answer(404), { kind: 'bounced', laneUntil: NOW + 30_000 })
  t.match(answer(500), { kind: 'deferred', laneUntil: NOW + 30_000 })
  t.notOk(
    'laneUntil' in
      judge({ status: 200, statusText: '', headers: {}, bytes: new Uint8Array() }, NOW),
  )
  const told = answer(429, { 'retry-after': '5' })
  t.match(told, { notBefore: NOW + 5_000, wholeLane: true })
  t.notOk('laneUntil' in told, 'Retry-After is the nearer word')
})

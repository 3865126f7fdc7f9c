/**
 * rules - an answer means what the first rule that fits says, else what plain HTTP says.
 */
import fc from 'fast-check'
import t from 'tap'

import { readRules } from '../../src/config/rules.ts'
import type { Rule } from '../../src/config/rule.ts'
import { judge } from '../../src/transport/answer.ts'
import type { Answer } from '../../src/transport/answer.ts'
import { judgeByRules } from '../../src/transport/rules.ts'

const NOW = 1_000_000

function answer(status: number, text = '', headers: Answer['headers'] = {}): Answer {
  return { status, statusText: 'Said So', headers, bytes: Buffer.from(text) }
}

/** What TOML writes `then = "hold"`. */
function to(verdict: string): object {
  return JSON.parse(`{"then":"${verdict}"}`) as object
}

function rules(...written: object[]): Rule[] {
  return readRules(written, 'rule', (place, why) => {
    throw new Error(`${place.join('.')}: ${why}`)
  })
}

function judged(said: Answer, ...written: object[]) {
  const asIs = (text: string) => text
  return judgeByRules(said, judge(said, NOW), rules(...written), NOW, asIs)
}

t.test('the first that fits wins, and without one the table of plain HTTP', async (t) => {
  const on = [
    { status: [401, 403], ...to('suspend') },
    { status: '4xx', ...to('hold') },
    { status: 404, ...to('bounce') },
  ]
  t.match(judged(answer(401, 'expired'), ...on), {
    kind: 'deferred',
    reason: '401 Unauthorized: "expired" (rule: suspend)',
    fault: 'configuration',
    status: 401,
    answer: 'expired',
    uncharged: true,
    suspends: true,
  })
  t.strictSame(judged(answer(404), ...on), {
    kind: 'held',
    reason: '404 Not Found (rule: hold)',
    fault: 'configuration',
    status: 404,
  })
  t.match(judged(answer(422), ...on), { kind: 'held', fault: 'message' })
  for (const status of [200, 302, 503, 777])
    t.strictSame(judged(answer(status), ...on), judge(answer(status), NOW))
})

t.test('what each verdict comes to', async (t) => {
  t.strictSame(
    judged(answer(409, 'known'), { status: 409, ...to('deliver'), why: 'twice' }),
    {
      kind: 'delivered',
      reason: '409 Conflict: "known" (rule: deliver, twice)',
      status: 409,
      answer: 'known',
    },
  )
  t.equal(judged(answer(200), { ...to('deliver') }).reason, '200 OK', 'nothing to explain')
  t.match(judged(answer(200, 'no'), { body: 'no', ...to('bounce') }), {
    kind: 'bounced',
    reason: '200 OK: "no" (rule: bounce)',
    fault: 'message',
  })
  const own = judged(answer(400), { ...to('defer'), fault: 'message' })
  t.strictSame(own, {
    kind: 'deferred',
    reason: '400 Bad Request (rule: defer)',
    fault: 'message',
    status: 400,
  })
})

t.test('the body, its JSON and the headers are asked', async (t) => {
  const said = '{"ok":false,"error":{"code":131056,"tags":["a","Rate"]}}'
  const fits = (written: object, it = answer(400, said, { 'x-a': ['One', 'two'] })) =>
    judged(it, { ...written, ...to('hold') }).kind === 'held'
  for (const written of [
    { body: 'RATE' },
    { body: ['nothing', 'code'] },
    { body: { matches: '"code":\\d+' } },
    { json: { ok: false } },
    { json: { 'error.code': [1, 131056] } },
    { json: { 'error.code': '131056' } },
    { json: { error: { code: 131056 } } },
    { json: { 'error.tags[*]': 'Rate' } },
    { json: { 'error.tags[*]': { contains: 'rat' } } },
    { json: { error: { exists: true } } },
    { json: { 'error.sub': { exists: false } } },
    { header: { 'X-A': 'one' } },
    { header: { 'x-a': { matches: '^t' } } },
    { header: { 'x-b': { exists: false } } },
    { status: 400, json: { ok: false }, body: 'ok', header: { 'x-a': 'two' } },
  ])
    t.ok(fits(written), JSON.stringify(written))
  for (const written of [
    { body: 'absent' },
    { body: { matches: '^ok' } },
    { json: { ok: true } },
    { json: { 'error.tags[*]': 'rate' } },
    { json: { error: 'x' } },
    { json: { ok: false, 'error.code': 1 } },
    { json: { 'error.code': { exists: false } } },
    { header: { 'x-a': 'on' } },
    { header: { 'x-b': { exists: true } } },
    { status: 401, json: { ok: false } },
  ])
    t.notOk(fits(written), JSON.stringify(written))
  t.notOk(fits({ json: { ok: false } }, answer(400, 'no JSON')))
  t.ok(fits({ json: { ok: { exists: false } } }, answer(400, 'no JSON')))
  const cut = `{"ok":true,"message":"${'x'.repeat(5_000)}`
  t.ok(fits({ json: { ok: true } }, answer(200, cut)), 'also where its end is missing')
})

t.test('when a deferred one is tried again', async (t) => {
  const after = (it: Answer, rule: object) => {
    const outcome = judged(it, { ...rule, ...to('defer') })
    const { notBefore, wholeLane } = outcome as { notBefore?: number; wholeLane?: boolean }
    return [notBefore === undefined ? undefined : notBefore - NOW, wholeLane === true]
  }
  const json = (value: unknown) => answer(400, JSON.stringify({ p: { retry: value } }))
  const field = { after: { json: 'p.retry' } }
  t.strictSame(after(answer(400), {}), [undefined, false])
  t.strictSame(after(answer(400), { lane: true }), [undefined, false], 'until when?')
  t.strictSame(after(answer(400), { after: '1h' }), [3_600_000, false])
  t.strictSame(after(answer(400), { after: '1h', lane: true }), [3_600_000, true])
  t.strictSame(after(answer(429), { after: '1h' }), [3_600_000, true])
  const ofOne = { after: '1h', fault: 'message' }
  t.strictSame(after(answer(429), ofOne), [3_600_000, false], 'about this one alone')
  t.strictSame(after(answer(429), { after: '1h', lane: false }), [3_600_000, false])
  t.strictSame(after(json(7), field), [7_000, false])
  t.strictSame(after(json('0.5'), field), [500, false])
  t.strictSame(after(json(7), { after: { json: 'p.retry', unit: 'ms' } }), [7, false])
  t.strictSame(after(json(1e7), field), [86_400_000, false], 'a day at most')
  for (const odd of [-1, 'soon', null, {}, [1], '', 1e300])
    t.strictSame(after(json(odd), field), [undefined, false], JSON.stringify(odd))
  const header = { after: { header: 'x-retry' } }
  t.strictSame(after(answer(400, '', { 'x-retry': '3' }), header), [3_000, false])
  t.strictSame(after(answer(400), header), [undefined, false])
  const both = answer(400, '', { 'retry-after': '20' })
  t.strictSame(after(both, { after: '1s' }), [20_000, false], 'never undercut')
  t.strictSame(after(both, { after: '1m' }), [60_000, false])
})

t.test('no answer makes it throw', async () => {
  const on = rules(
    { json: { 'a[*].b': { matches: 'x' } }, body: { contains: 'y' }, ...to('hold') },
    { header: { a: { matches: '.' } }, ...to('defer'), after: { json: 'a' } },
    { ...to('defer'), after: { header: 'a' } },
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 999 }),
      fc.uint8Array(),
      fc.oneof(fc.string(), fc.array(fc.string())),
      (status, bytes, a) => {
        const said = { status, statusText: '', headers: { a }, bytes }
        judgeByRules(said, judge(said, NOW), on, NOW, (text) => text)
      },
    ),
  )
})

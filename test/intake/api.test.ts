/**
 * api - each route of etc/openapi.json with each of its statuses, against the document; and the
 * rules of the doors: scopes, tokens, keys, origins, limits.
 */
import { connect } from 'node:net'
import { request } from 'node:http'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { MsgqError, UnsureError } from '../../src/base/errors.ts'
import { composeLine } from '../../src/intake/batch-line.ts'
import { actRoutes } from '../../src/intake/act-routes.ts'
import { eventRoute } from '../../src/intake/event-route.ts'
import { healthRoutes } from '../../src/intake/health-routes.ts'
import { Refusal } from '../../src/intake/refusal.ts'
import { SCOPES } from '../../src/intake/caller.ts'
import { sendRoute } from '../../src/intake/send-route.ts'
import { IntakeServer } from '../../src/intake/server.ts'
import { tokenHash } from '../../src/intake/tokens.ts'
import type { Desk, Doorway } from '../../src/queue/queue.ts'
import { ask, post } from './ask.ts'
import { openDoors } from './doors.ts'
import { OpenApi } from './openapi.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const JSON_TYPE = { 'content-type': 'application/json' }
const TOML = `message_size_limit = "64KiB"
[listen]
http = "127.0.0.1:0"
tokens = { file = "tokens" }
cors = ["https://app.example.com"]
[retry]
min = "1h"
[destinations.ops]
type = "http"
url = "http://127.0.0.1:1/"
[destinations.crm]
type = "http"
url = "http://127.0.0.1:1/"
`

const api = new OpenApi(t)
const doors = await openDoors(t, TOML)
const { submit, control, port, folder } = doors
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
writeFileSync(
  join(folder, 'tokens'),
  JSON.stringify({
    v: 1,
    tokens: [
      { name: 'all', scopes: SCOPES },
      { name: 'sender', scopes: ['send'] },
      { name: 'shop', scopes: ['send', 'read'], to: ['crm'] },
      { name: 'operator', scopes: ['operate'] },
      { name: 'clerk', scopes: ['operate'], to: ['crm'] },
    ].map((token) => ({
      ...token,
      sha256: tokenHash(`t-${token.name}`),
      createdAt: '2026',
    })),
  }),
)
const body = (message: unknown) => ({ body: JSON.stringify(message), headers: JSON_TYPE })
const held = { to: 'ops', body: 'x', hold: true }

async function send(message: object = held): Promise<string> {
  const answered = await api.ask(submit, '/v1/messages', body(message))
  t.equal(answered.status, 202)
  return answered.json.id as string
}

/** Waits until a message is somewhere. */
async function settled(id: string, state: string): Promise<void> {
  for (let n = 0; n < 500; n++) {
    const { json } = await ask(control, `/v1/messages/${id}`)
    if (json.state === state) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.fail(`${id} does not come to ${state}`)
}

t.test('a message as JSON, as its own body, and as lines', async (t) => {
  const sent = await api.ask(submit, '/v1/messages', body({ ...held, body: { n: 1.0 } }))
  t.match(sent, { status: 202, headers: { location: `/v1/messages/${sent.json.id}` } })
  const raw = await api.ask(submit, '/v1/messages?to=ops&hold=true&subject=disk', {
    body: Buffer.from([0xff, 0x00]),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  t.equal(raw.status, 202)
  await settled(raw.json.id, 'hold')
  const whole = await api.ask(control, `/v1/messages/${raw.json.id}`)
  t.match(whole.json.envelope, {
    subject: 'disk',
    bytes: 2,
    contentType: 'application/octet-stream',
    sender: { door: 'submit' },
  })
  const lines = await api.ask(submit, '/v1/messages?to=ops', {
    body: `{"body":"a","hold":true}\n\n{"body":"b","too":1}\n{"body":"c","key":"L"}\n{"body":"c","key":"L"}`,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const answers = lines.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(answers, [
    { line: 1, status: 202 },
    { line: 3, status: 400, code: 'invalid', field: 'too' },
    { line: 4, status: 202 },
    { line: 5, status: 200, repeat: true, id: answers[2].id },
  ])
})

t.test('what is refused says why, and nothing is queued', async (t) => {
  const count = async () =>
    (await ask(control, '/v1/messages?limit=1000')).json.items.length
  const before = await count()
  const cases: [path: string, wanted: object, status: number, problem: object][] = [
    ['', body({ to: 'opps', body: '' }), 400, { field: 'to', hint: /ops/ }],
    ['', body({ to: 'ops' }), 400, { field: 'body' }],
    ['', body({ to: 'ops', body: '', delay: 'soon' }), 400, { field: 'delay' }],
    ['', body({ to: 'ops', body: '', dealy: '1s' }), 400, { hint: /delay/ }],
    ['', { body: '{', headers: JSON_TYPE }, 400, { detail: /is no JSON/ }],
    ['?to=ops&too=1', { body: 'x' }, 400, { field: 'too' }],
    ['?to=ops&to=crm', { body: 'x' }, 400, { field: 'to' }],
    ['?to=ops', { body: '' }, 400, { field: 'body' }],
    ['', { body: 'x', headers: { 'content-type': 'text/plain' } }, 415, {}],
    ['', { body: 'x' }, 415, { code: 'media-type' }],
    ['?to=ops', { body: 'x', headers: { 'content-encoding': 'gzip' } }, 415, {}],
    ['?to=ops', { body: 'x'.repeat(65_537) }, 413, { code: 'too-large' }],
    ['', body({ to: 'ops', body: 'x'.repeat(65_537) }), 413, {}],
    ['', { body: 'x'.repeat(400_000), headers: JSON_TYPE }, 413, {}],
    [
      '',
      { ...body(held), headers: { ...JSON_TYPE, 'idempotency-key': '"a' } },
      400,
      { field: 'key' },
    ],
    [
      '',
      { ...body(held), headers: { ...JSON_TYPE, 'idempotency-key': ['a', 'b'] } },
      400,
      { field: 'idempotency-key' },
    ],
    [
      '',
      { ...body(held), headers: { ...JSON_TYPE, 'idempotency-key': 'caf\xe9' } },
      400,
      { field: 'key' },
    ],
    [
      '',
      { ...body({ ...held, key: 'a' }), headers: { ...JSON_TYPE, 'idempotency-key': 'b' } },
      400,
      { field: 'key' },
    ],
  ]
  for (const [query, wanted, status, problem] of cases) {
    const answered = await api.ask(submit, `/v1/messages${query}`, wanted)
    t.match(answered, { status, json: { status, ...problem } }, JSON.stringify(problem))
    t.equal(answered.headers['content-type'], 'application/problem+json')
  }
  t.equal(await count(), before)
})

t.test('a key: one is taken, its repeats learn of it, another is refused', async (t) => {
  const keyed = (message: object, key: string) =>
    post(submit, message, { 'idempotency-key': key })
  const answers = await Promise.all(Array.from({ length: 6 }, () => keyed(held, '"k-1"')))
  for (const one of answers) api.check('POST', '/v1/messages', one)
  t.strictSame(
    answers.map(({ status }) => status).toSorted(),
    [200, 200, 200, 200, 200, 202],
  )
  t.equal(new Set(answers.map(({ json }) => json.id)).size, 1, 'all name the same')
  const bare = await keyed({ ...held, key: 'k-1' }, 'k-1')
  t.match(bare, { status: 200, json: { id: answers[0]!.json.id } }, 'without quotes, twice')
  const other = await keyed({ ...held, body: 'y' }, '"k-1"')
  api.check('POST', '/v1/messages', other)
  t.match(other, { status: 422, json: { of: answers[0]!.json.id, field: 'key' } })
  const refused = await keyed({ to: 'ops' }, '"k-2"')
  t.equal(refused.status, 400)
  t.equal((await keyed(held, '"k-2"')).status, 202, 'a refusal does not use a key up')
  const mine = await ask(port, '/v1/messages', {
    body: JSON.stringify({ ...held, body: 'y' }),
    headers: { ...JSON_TYPE, ...bearer('t-all'), 'idempotency-key': 'k-1' },
  })
  t.equal(mine.status, 202, 'who has a token has keys of his own')
})

t.test('who may only send learns the state of an id, and no more', async (t) => {
  const id = await send({ to: 'https://example.com/secret/path', body: 'x', hold: true })
  await settled(id, 'hold')
  const state = await api.ask(submit, `/v1/messages/${id}`)
  t.strictSame(Object.keys(state.json).toSorted(), [
    'acceptedAt',
    'due',
    'id',
    'state',
    'tries',
  ])
  const whole = await api.ask(control, `/v1/messages/${id}`)
  t.notMatch(whole.text, /path/, 'a secret in a URL is masked')
  for (const path of ['/v1/messages', '/v1/status', '/v1/events', '/metrics'])
    t.match(await api.ask(submit, path), { status: 403, json: { code: 'scope' } })
  for (const path of [`/v1/messages/${ID}`, '/v1/messages/x'])
    t.equal((await api.ask(submit, path)).status, 404)
})

t.test('over TCP a token is asked for, and does what it says', async (t) => {
  const message = body(held)
  const over = (token: string, wanted: { body?: string; headers?: object } = message) => ({
    ...wanted,
    headers: { ...wanted.headers, ...bearer(token) },
  })
  t.match(await api.ask(port, '/v1/messages', message), {
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
  })
  t.match(await api.ask(port, '/v1/messages', over('t-alL')), {
    status: 401,
    json: { code: 'token-unknown' },
  })
  t.equal((await api.ask(port, '/v1/messages', over('t-sender'))).status, 202)
  t.equal((await api.ask(port, '/v1/messages', over('t-operator'))).status, 403)
  const shop = over('t-shop', body({ ...held, to: 'crm' }))
  const sent = await api.ask(port, '/v1/messages', shop)
  t.equal(sent.status, 202)
  for (const to of ['ops', 'https://example.com/'])
    t.match(await api.ask(port, '/v1/messages', over('t-shop', body({ ...held, to }))), {
      status: 403,
      json: { code: 'destination', field: 'to' },
    })
  await ask(port, '/v1/messages', over('t-shop', body({ ...held, to: 'crm', order: 'o' })))
  const seen: { id: string; lane: string }[] = []
  for (let after = '', page; after !== undefined; after = page.json.next) {
    const place = after === '' ? '' : `&after=${encodeURIComponent(after)}`
    const path = `/v1/messages?limit=1${place}`
    page = await api.ask(port, path, { headers: bearer('t-shop') })
    t.match(page.json.items, [{ lane: 'crm' }], 'no page is of others')
    seen.push(...page.json.items)
    t.equal(page.json.next?.includes(seen.at(-1)!.id) ?? true, true, 'nor says of them')
  }
  t.equal(seen.length, 2)
  const theirs = await send()
  t.equal(
    (await ask(port, `/v1/messages/${theirs}`, { headers: bearer('t-shop') })).status,
    404,
  )
  t.match(await api.ask(port, '/v1/status', { headers: bearer('t-shop') }), {
    status: 403,
    json: { code: 'destination' },
  })
  const theirsToo = await send()
  const wanted = { act: 'delete', by: 'clerk', ids: [theirsToo] }
  const recalled = await ask(port, '/v1/recall', over('t-clerk', body(wanted)))
  t.match(recalled, { status: 403, json: { code: 'destination' } })
  t.equal(
    (
      await ask(port, `/v1/messages/${theirsToo}`, {
        ...over('t-clerk', {}),
        method: 'DELETE',
      })
    ).status,
    404,
  )
  const whole = await ask(control, `/v1/messages/${sent.json.id}`)
  t.match(whole.json.envelope.sender, { door: 'http', token: 'shop' })
  t.equal((await api.ask(port, '/healthz')).status, 200, 'no token for whether it lives')
  t.equal((await api.ask(port, '/readyz')).status, 200)
  const scraped = await api.ask(port, '/metrics', over('t-all', {}))
  t.match(scraped, { status: 200, text: /^# HELP msgq_/ })
  // Each route, of which the scopes were not asked yet.
  const bad = { headers: bearer('x') }
  for (const path of [
    '/v1/messages',
    `/v1/messages/${ID}`,
    '/v1/events',
    '/v1/status',
    '/metrics',
  ])
    t.equal((await api.ask(submit, path, bad)).status, 401, `${path}: also at a socket`)
  t.equal((await api.ask(port, `/v1/messages/${ID}`, over('t-operator', {}))).status, 403)
})

t.test('an id that a message has already: with a token, a key, and alone', async (t) => {
  const id = '01M8FPRVQKX6KM31KHW30BAAEQ'
  // What is held is not looked for: the daemon knows what waits.
  const waits = { to: 'ops', body: 'x', at: '2099-01-01T00:00Z' }
  const known = (headers: object, message: object = { ...waits, key: 'relayed-1' }) => ({
    body: JSON.stringify(message),
    headers: { ...JSON_TYPE, 'msgq-id': id, ...headers },
  })
  const token = bearer('t-sender')
  const later = `${ID.replace('01J', '09J').slice(0, 25)}A`
  const cases: [where: string | number, wanted: object, status: number, why: RegExp][] = [
    [submit, known({}), 403, /only with a token/],
    [control, known({}), 403, /only with a token/],
    [port, known(token, waits), 400, /without a key/],
    [port, known({ ...token, 'msgq-id': 'x' }), 400, /is no id/],
    [port, known({ ...token, 'msgq-id': id.toLowerCase() }), 400, /is no id/],
    [port, known({ ...token, 'msgq-id': later }), 400, /time to come/],
    [port, known({ ...token, 'content-type': 'application/x-ndjson' }), 400, /one message/],
  ]
  for (const [where, wanted, status, why] of cases)
    t.match(await api.ask(where, '/v1/messages', wanted), { status, json: { detail: why } })
  const taken = await api.ask(port, '/v1/messages', known(token))
  t.match(taken, { status: 202, json: { id } })
  t.match(await api.ask(port, '/v1/messages', known(token)), { status: 200, json: { id } })
  t.match(
    await api.ask(
      port,
      '/v1/messages',
      known(token, { ...waits, key: 'other', body: 'y' }),
    ),
    { status: 422, json: { code: 'id-conflict', field: 'id' } },
  )
})

t.test('a page of another origin may not ask, one that is named may', async (t) => {
  const from = (origin: string) => ({ headers: { origin, ...bearer('t-all') } })
  t.match(await api.ask(port, '/v1/status', from('https://evil.example')), {
    status: 403,
    json: { code: 'origin' },
  })
  const named = await api.ask(port, '/v1/status', from('https://app.example.com'))
  t.match(named, {
    status: 200,
    headers: { 'access-control-allow-origin': 'https://app.example.com' },
  })
  const preflight = await ask(port, '/v1/messages', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': 'POST',
    },
  })
  t.match(preflight, { status: 204, headers: { 'access-control-allow-methods': /POST/ } })
})

t.test('the list has the selectors and pages', async (t) => {
  const ids = [await send({ ...held, key: 'p-1' }), await send({ ...held, key: 'p-2' })]
  const first = await api.ask(control, '/v1/messages?key=p-*&limit=1')
  t.equal(first.json.items.length, 1)
  const next = encodeURIComponent(first.json.next)
  const second = await api.ask(control, `/v1/messages?key=p-*&limit=1&after=${next}`)
  const found = [first, second].map(({ json }) => json.items[0].id)
  t.strictSame(found.toSorted(), ids.toSorted())
  t.equal(second.json.next, undefined)
  await ask(control, `/v1/messages/${first.json.items[0].id}`, { method: 'DELETE' })
  const again = await api.ask(control, `/v1/messages?key=p-*&limit=1&after=${next}`)
  t.match(again.json.items, [{ id: found[1] }], 'it stands where the last one was gone')
  for (const query of [
    'state=gone',
    'limit=0',
    'limit=2000',
    'since=soon',
    'colour=red',
    'after=here',
    'key=',
  ])
    t.match(await api.ask(control, `/v1/messages?${query}`), {
      status: 400,
      json: { field: query.split('=')[0] },
    })
  t.equal((await api.ask(control, `/v1/messages/${ID}?x=1`)).status, 400)
})

t.test('the acts: done, not possible, not there, not allowed', async (t) => {
  const id = await send()
  await settled(id, 'hold')
  const act = (name: string, where = control, wanted: object = {}, of = id) =>
    api.ask(where, `/v1/messages/${of}:${name}`, { method: 'POST', ...wanted })
  for (const name of ['hold', 'release', 'requeue', 'flush', 'expire']) {
    t.equal((await act(name, submit)).status, 403)
    t.equal((await act(name, submit, { headers: bearer('x') })).status, 401)
    t.equal((await act(name, control, { body: '{"why":1}' })).status, 400)
    t.equal((await act(name, control, {}, ID)).status, 404)
  }
  const remove = (where: string, wanted: object = {}, of = id) =>
    api.ask(where, `/v1/messages/${of}`, { method: 'DELETE', ...wanted })
  t.equal((await remove(submit)).status, 403)
  t.equal((await remove(submit, { headers: bearer('x') })).status, 401)
  t.equal((await remove(control, { body: 'x' })).status, 400)
  t.equal((await remove(control, {}, ID)).status, 404)

  t.match(await act('hold'), { status: 409, json: { code: 'state' } })
  t.equal((await act('flush')).status, 409)
  t.equal(
    (await act('release', control, { body: '{"reason":"it was a mistake"}' })).status,
    200,
  )
  await settled(id, 'deferred')
  t.equal((await act('release')).status, 409)
  t.equal((await act('flush')).status, 200)
  await settled(id, 'deferred')
  t.equal((await act('expire')).status, 200)
  t.equal((await act('expire')).status, 409)
  t.equal((await act('requeue')).status, 200)
  await settled(id, 'deferred')
  t.equal((await act('hold')).status, 200)
  const whole = await ask(control, `/v1/messages/${id}`)
  t.match(
    whole.json.trail.find((line: { reason?: string }) => line.reason?.includes('mistake')),
    {
      act: 'released',
      by: 'control',
    },
  )
  t.equal((await remove(control)).status, 200)
  t.match(await api.ask(submit, `/v1/messages/${id}`), {
    status: 200,
    json: { state: 'deleted' },
  })
})

/** The events of a stream, until so many have come. */
function listen(path: string, many: number, headers = {}): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: control, path, headers, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const events = text.split('\n\n').filter((one) => one.startsWith('id: '))
        if (events.length < many) return
        asked.destroy()
        resolve(events.slice(0, many))
      })
      response.on('error', () => {})
    })
    asked.end()
  })
}

t.test('events: what became of it, and what was missed', async (t) => {
  const id = await send({ to: 'ops', body: 'x' })
  await settled(id, 'deferred')
  await ask(control, `/v1/messages/${id}:hold`, { method: 'POST' })
  const all = await ask(control, `/v1/messages/${id}`)
  t.equal(all.json.state, 'hold')
  // A client that knows of nothing since the message was accepted.
  const before = new Date(Date.parse(all.json.acceptedAt) - 1).toISOString()
  const path = `/v1/events?id=${id}`
  const events = await listen(path, 3, { 'last-event-id': `${before},${ID},queued,` })
  const names = events.map((text) => /event: (\w+)/.exec(text)?.[1])
  t.strictSame(names, ['accepted', 'deferred', 'held'])
  t.match(JSON.parse(/data: (.*)/.exec(events[1]!)![1]!), { id, try: 1, lane: 'ops' })
  const last = /id: (.*)/.exec(events[0]!)![1]!
  t.strictSame(
    await listen(path, 2, { 'last-event-id': last }),
    events.slice(1),
    'the rest',
  )
  const live = listen(path, 2, { 'last-event-id': /id: (.*)/.exec(events[1]!)![1]! })
  await ask(control, `/v1/messages/${id}`, { method: 'DELETE' })
  t.match((await live)[1], /event: deleted/, 'and goes on')
  for (const query of ['id=x', 'lastEventId=x', 'colour=red'])
    t.equal((await api.ask(control, `/v1/events?${query}`)).status, 400)
})

t.test('who is slow or garbles is cut off, and the next is answered', async (t) => {
  for (const bytes of ['\x16\x03\x01\r\n\r\n', 'POST /v1/messages HTTP/1.1\r\nhost: x\r\n'])
    await new Promise<void>((resolve) => {
      const socket = connect(submit, () => {
        socket.write(bytes)
        setImmediate(() => socket.destroy())
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  t.equal((await ask(submit, '/healthz')).status, 200)
  t.equal((await ask(submit, '/healthz', { method: 'HEAD' })).text, '')
  t.match(await ask(submit, '/healthz', { method: 'DELETE' }), {
    status: 405,
    headers: { allow: 'GET, HEAD' },
  })
})

t.test('this door and `send --batch` take and refuse the same', async (t) => {
  const text = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('ops', 'crm', '', '\n'),
  )
  const odd = fc.oneof(text, fc.boolean(), fc.integer(), fc.constant(null), fc.jsonValue())
  const maybe = (good: fc.Arbitrary<unknown>) =>
    fc.option(fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: odd }), {
      nil: undefined,
      freq: 2,
    })
  const message = fc.record({
    to: fc.oneof(fc.constantFrom('ops', 'crm', 'https://example.com/a'), odd),
    body: maybe(fc.jsonValue()),
    bodyBase64: fc.option(fc.constantFrom('AAA=', 'AA', 'x'), { nil: undefined, freq: 8 }),
    method: maybe(fc.constantFrom('POST', 'PUT', 'GET', 'post')),
    headers: maybe(fc.dictionary(fc.constantFrom('X-A', 'host', 'x b'), text)),
    contentType: maybe(fc.constantFrom('text/plain', 'a/b')),
    subject: maybe(text),
    level: maybe(fc.constantFrom('info', 'error')),
    delay: maybe(fc.constantFrom('1h', '90s', 'soon')),
    expires: maybe(fc.constantFrom('2h', '1s')),
    hold: fc.constant(true),
  })
  // One that is surely good and one that is not: what is drawn may be all of a kind.
  const sure = [{ to: 'ops', body: 'x', hold: true }, { to: 7 }]
  const lines = [...sure, ...fc.sample(message, 150)].map((one) => JSON.stringify(one))
  const terms = doors.daemon.config
  const { destinations, send: limits } = terms
  const answered = await ask(submit, '/v1/messages', {
    body: lines.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const answers = answered.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.equal(answers.length, lines.length)
  for (const [at, line] of lines.entries()) {
    let good = true
    try {
      const context = { to: undefined, terms: { ...limits, destinations }, now: Date.now() }
      composeLine(Buffer.from(line), context)
    } catch (error) {
      if (!(error instanceof MsgqError)) throw error
      good = false
    }
    if ((answers[at].status === 202) !== good) t.fail(line, { answer: answers[at] })
  }
  const good = answers.filter(({ status }) => status === 202).length
  t.ok(good > 0 && good < lines.length, `${good} were taken`)
})

t.test('what a disk, a stop or a crowd does to a request', async (t) => {
  const spool = mkdtempSync(join(tmpdir(), 'msgq-'))
  t.teardown(() => rmSync(spool, { recursive: true, force: true }))
  mkdirSync(join(spool, 'run'))
  let fault: Error | undefined
  let crowd = 0
  const doorway: Doorway = {
    submit: async () => {
      if (fault !== undefined) throw fault
      return { id: ID, isRepeat: false }
    },
    refusal: () => fault?.message,
    get crowd() {
      return crowd
    },
  }
  const entry = { id: ID, state: 'active', lane: 'ops', due: 0, tries: 0 } as const
  const desk = {
    find: async () => [entry],
    act: async () => ({ matched: 1, done: [], skipped: [{ id: ID, why: 'in flight' }] }),
    mark: async () => ({ place: 0 }),
    // Nothing happens until the stream ends.
    history: ({ follow }: { follow?: AbortSignal }) => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (follow?.aborted === false)
            await new Promise((resolve) => follow.addEventListener('abort', resolve))
          return { done: true, value: undefined }
        },
      }),
    }),
  } as unknown as Desk
  const too = { to: 'delivered', granted: false, mayHaveArrived: true } as const
  const server = new IntakeServer({
    routes: [
      sendRoute({
        doorway,
        clock: systemClock,
        terms: () => ({ messageSizeLimit: 1000, minFree: 0 }),
        incomingLimit: () => 10,
      }),
      ...actRoutes({ desk, recall: async () => [too] }),
      eventRoute({ history: desk }),
      ...healthRoutes({ alive: () => fault === undefined, refusal: () => fault?.message }),
    ],
    callerOf: (door) => ({ door, scopes: SCOPES }),
    origins: () => [],
    onTrouble: () => {},
    connections: 100,
    timeout: 5_000,
    hold: 1_000_000,
  })
  await server.openSocket(spool, 'control')
  const socket = join(spool, 'run/control.sock')
  const answer = async (status: number, code: string) => {
    const answered = await api.ask(socket, '/v1/messages', body(held))
    t.match(answered, { status, json: { code } })
    return answered
  }
  fault = new MsgqError('temporary', 'spool: no space left on device')
  t.match((await answer(503, 'unavailable')).headers, { 'retry-after': '10' })
  t.equal((await api.ask(socket, '/readyz')).status, 503)
  t.equal((await api.ask(socket, '/healthz')).status, 503)
  fault = new UnsureError('may be queued or not')
  await answer(500, 'unsure')
  fault = new Refusal(409, 'in-progress', 'the first one is being written')
  await answer(409, 'in-progress')
  fault = new Error('a bug')
  await answer(500, 'internal')
  fault = undefined
  crowd = 10
  t.match((await answer(429, 'crowded')).headers, { 'retry-after': '1' })
  crowd = 0
  const late = { method: 'DELETE' }
  t.match(await api.ask(socket, `/v1/messages/${ID}`, late), {
    status: 409,
    json: { detail: 'delete: too late: delivered' },
  })
  t.equal(
    (await api.ask(socket, `/v1/messages/${ID}:requeue`, { method: 'POST' })).status,
    409,
  )
  const streams = Array.from({ length: 64 }, () => ask(socket, '/v1/events'))
  for (const stream of streams) stream.catch(() => {})
  let last = await ask(socket, '/v1/events?id=x')
  for (let n = 0; n < 100 && last.status !== 429; n++)
    last = await Promise.race([
      ask(socket, '/v1/events'),
      new Promise<typeof last>((resolve) => setTimeout(() => resolve(last), 50)),
    ])
  api.check('GET', '/v1/events', last)
  t.equal(last.status, 429)
  await server.close(1_000)
  const ended = await Promise.all(streams)
  api.check('GET', '/v1/events', ended[0]!)
  t.equal(ended[0]!.status, 200, 'a stop ends the streams')
})

t.test(
  'a file of tokens that cannot be understood lets nobody in, and is not shown',
  async (t) => {
    const file = join(folder, 'tokens')
    const good = readFileSync(file)
    writeFileSync(file, '{')
    const refused = await ask(port, '/v1/messages', { headers: bearer('t-all') })
    t.match(refused, { status: 503, json: { code: 'unavailable' } })
    t.notMatch(refused.text, folder, 'where it is, is nothing to who has shown no token')
    writeFileSync(file, good)
    t.equal((await ask(port, '/v1/messages', { headers: bearer('t-all') })).status, 200)
  },
)

t.test('nothing of the document was left out', async (t) => {
  t.strictSame(api.unseen, [])
})

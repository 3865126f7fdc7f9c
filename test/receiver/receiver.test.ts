/**
 * receiver - what msgq signs is taken, anything else is not, and a repeat is done once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'

import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import t from 'tap'

import { signatureOf, signingKey } from '../../src/message/signature.ts'
import { receive, ReceiveError, Repeats, verify } from '../../src/receiver/receiver.ts'
import { attemptOf, deliver, destinationOf, ID, listen } from '../transport/support.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const WHSK =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const WHPK = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const NOW = 1_614_265_330_000
const BODY = '{"test": 2432232314}'
const MSG = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const V1A =
  'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=='

function headersOf(more: Record<string, string> = {}): Record<string, string> {
  const signature = new Webhook(SECRET).sign(MSG, new Date(NOW), BODY)
  return {
    'webhook-id': MSG,
    'webhook-timestamp': String(NOW / 1000),
    'webhook-signature': signature,
    ...more,
  }
}

t.test('the vectors of the reference, both kinds', async (t) => {
  const signed = { id: MSG, timestamp: NOW / 1000 }
  t.equal(signatureOf(signingKey(WHSK), signed, Buffer.from(BODY)), V1A)
  const own = signatureOf(signingKey(SECRET), signed, Buffer.from(BODY))
  t.equal(own, headersOf()['webhook-signature'])
  const headers = headersOf({ 'webhook-signature': `v9,x v1,AAAA ${V1A}` })
  for (const secrets of [WHPK, WHSK, [SECRET, WHPK]])
    t.equal(verify({ secrets, headers, body: BODY, now: NOW }).id, MSG)
  const sentAt = new Date(NOW)
  const found = verify({
    secrets: [OTHER, SECRET.slice(6)],
    headers: new Headers(headersOf({ 'msgq-attempt': '3' })),
    body: Buffer.from(BODY),
    now: NOW,
  })
  t.strictSame(found, { id: MSG, sentAt, attempt: 3 })
})

t.test('whatever is not so is not taken, and says why', async (t) => {
  const cases: [string, number, Parameters<typeof verify>[0] | object][] = [
    ['missing', 401, { headers: {} }],
    ['missing', 401, { headers: headersOf({ 'webhook-signature': '' }) }],
    ['malformed', 400, { headers: headersOf({ 'webhook-timestamp': 'now' }) }],
    ['malformed', 400, { headers: headersOf({ 'webhook-id': 'a.b' }) }],
    ['expired', 401, { now: NOW + 301_000 }],
    ['expired', 401, { now: NOW - 301_000 }],
    ['expired', 401, { now: NOW + 2_000, tolerance: 1 }],
    ['mismatch', 401, { secrets: OTHER }],
    ['mismatch', 401, { secrets: [] }],
    ['mismatch', 401, { secrets: WHPK }],
    ['mismatch', 401, { body: `${BODY} ` }],
    ['mismatch', 401, { headers: headersOf({ 'webhook-id': 'x' }) }],
    [
      'mismatch',
      401,
      { headers: headersOf({ 'webhook-signature': 'v1a,AAAA' }), secrets: WHPK },
    ],
  ]
  for (const [code, status, more] of cases) {
    const options = { secrets: SECRET, headers: headersOf(), body: BODY, now: NOW, ...more }
    t.throws(() => verify(options), { name: 'ReceiveError', code, status }, code)
  }
  for (const secret of [
    'whsec_',
    'whsec_%',
    'whpk_AAAA',
    'whxx_AAAA',
    `${WHSK.slice(0, -4)}AA==`,
  ])
    try {
      verify({ secrets: secret, headers: headersOf(), body: BODY, now: NOW })
      t.fail(secret)
    } catch (error) {
      t.notOk(error instanceof ReceiveError, 'not the fault of who sent it')
      t.notMatch(String(error), secret)
    }
  t.doesNotThrow(() =>
    verify({ secrets: SECRET, headers: headersOf(), body: BODY, now: NOW + 299_000 }),
  )
})

t.test('any body, and not one bit of it otherwise', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (body, at) => {
      const signed = { id: MSG, timestamp: NOW / 1000 }
      const signature = signatureOf(signingKey(SECRET), signed, body)
      const headers = headersOf({ 'webhook-signature': signature })
      const options = { secrets: SECRET, headers, now: NOW }
      verify({ ...options, body })
      const bad = Uint8Array.from(body)
      bad[at % bad.length]! ^= 1
      try {
        verify({ ...options, body: bad })
        return false
      } catch {
        return true
      }
    }),
  )
})

t.test('requests of node:http and of fetch, from msgq itself', async (t) => {
  const got: unknown[] = []
  const server = createServer((request, response) => {
    receive(request, { secrets: SECRET, limit: 100 }).then(
      ({ id, body, attempt }) => {
        got.push([id, String(body), attempt])
        response.end()
      },
      (error: ReceiveError) => response.writeHead(error.status).end(error.code),
    )
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const to = destinationOf(url, { sign: { secrets: [{ file: 'x' }] } })
  const secrets = () => SECRET
  t.match(await deliver(t, attemptOf(to, 'hello'), { secrets }), { kind: 'delivered' })
  t.same(got, [[ID, 'hello', 3]])
  t.match(await deliver(t, attemptOf(to), { secrets: () => OTHER }), {
    status: 401,
    answer: 'mismatch',
  })
  // Also while most of it is still on its way.
  for (const length of [101, 5_000_000])
    t.match(await deliver(t, attemptOf(to, 'x'.repeat(length)), { secrets }), {
      status: 413,
      answer: 'too-large',
    })
  const init = { method: 'POST', headers: headersOf(), body: BODY }
  const request = new Request('http://x.example/', init)
  const received = await receive(request, { secrets: SECRET, now: NOW })
  t.equal(String(received.body), BODY)
  const empty = new Request('http://x.example/', { method: 'POST', headers: headersOf() })
  await t.rejects(receive(empty, { secrets: SECRET, now: NOW }), { code: 'mismatch' })
})

t.test('once: repeats, two at a time, what failed, and the bound', async (t) => {
  const repeats = new Repeats({ limit: 2 })
  let done = 0
  const act = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    done++
  }
  t.same(await Promise.all([repeats.once('a', act), repeats.once('a', act)]), [true, false])
  t.equal(await repeats.once('a', act), false)
  t.equal(done, 1)
  const fails = () => Promise.reject(new Error('full'))
  const both = await Promise.allSettled([repeats.once('b', fails), repeats.once('b', act)])
  t.match(both, [{ status: 'rejected' }, { status: 'fulfilled', value: true }])
  t.equal(await repeats.once('c', act), true)
  t.same([await repeats.once('c', act), await repeats.once('a', act)], [false, true])
})

t.test('the example of the page runs, by the name of the package', async (t) => {
  const page = readFileSync(resolve('docs/receiver.md'), 'utf8')
  const code = /```ts\n(.*?)```/s.exec(page)![1]!
  t.ok(code.trim().split('\n').length <= 20)
  const dir = t.testdir()
  writeFileSync(join(dir, 'example.mjs'), code.replace('.listen(process.env.PORT)', LISTEN))
  const child = spawn(process.execPath, [join(dir, 'example.mjs')], {
    env: { ...process.env, NODE_OPTIONS: '', SECRET, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill())
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  while (!out.includes('\n')) await once(child.stdout, 'data')
  const url = `http://127.0.0.1:${out.trim()}`
  const to = destinationOf(url, { sign: { secrets: [{ file: 'x' }] } })
  const secrets = () => SECRET
  t.match(await deliver(t, attemptOf(to), { secrets }), { status: 201 })
  t.match(await deliver(t, attemptOf(to), { secrets }), { status: 200 })
  t.match(await deliver(t, attemptOf(to), { secrets: () => OTHER }), { status: 401 })
  t.match(out, '{ a: 1 }')
})

/** A free port, which it prints. */
const LISTEN = `.listen(0, function () { console.log(this.address().port) })`

t.test('importing it loads nothing but node and two files of ours', async (t) => {
  const source = readFileSync(resolve('dist/receiver/receiver.js'), 'utf8')
  const imports = [...source.matchAll(/from ["']([^"']+)["']/g)].map(([, name]) => name)
  t.same(imports, ['../base/clock.js', '../message/signature.js'])
  for (const file of ['base/clock.js', 'message/signature.js']) {
    const inner = readFileSync(resolve('dist', file), 'utf8')
    t.notMatch(inner, /from ["'](?!node:|\.)/, file)
  }
})

/**
 * wire - what a destination may ask for beyond a plain request, against real receivers.
 */
import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'

import { Webhook } from 'standardwebhooks'
import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import type { Secret } from '../../src/config/reference.ts'
import { checkingKey, isSigned } from '../../src/message/signature.ts'
import type { Body } from '../../src/message/body.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  ID,
  limits,
  listen,
  receiver,
  recorder,
  transportFor,
} from './support.ts'

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
// Of the tests of Svix, whose scheme v1a is.
const WHSK =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const WHPK = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='

/** Secrets by the name of their file. */
const held = (files: Readonly<Record<string, string>>) => ({
  secrets: (secret: Secret) => files['file' in secret ? secret.file : ''] ?? 'the-secret',
})

function streamOf(bytes: Buffer): Body {
  return { kind: 'stream', length: bytes.length, open: () => Readable.from([bytes]) }
}

t.test(
  'a signature that the reference library takes, for a body of any kind',
  async (t) => {
    const { url, got } = await recorder(t)
    const destination = destinationOf(url, {
      sign: { secrets: [{ file: 'old' }, { file: 'new' }] },
      headers: { 'webhook-signature': 'mine' },
    })
    const files = { old: WHSEC, new: `whsec_${randomBytes(32).toString('base64')}` }
    const long = randomBytes(3_000_000)
    for (const body of ['{"a":1}', streamOf(long)] as const)
      t.match(await deliver(t, attemptOf(destination, body), held(files)), { status: 200 })
    for (const { headers, body } of got) {
      t.equal(String(headers['webhook-signature']).split(' ').length, 2)
      const text = body.length < 100 ? String(body) : body
      for (const secret of Object.values(files)) {
        const key = checkingKey(secret)
        const timestamp = Number(headers['webhook-timestamp'])
        const signature = String(headers['webhook-signature'])
        t.ok(isSigned([key], { id: ID, timestamp }, body, signature))
        if (typeof text !== 'string') continue
        const verified = new Webhook(secret).verify(text, headers as Record<string, string>)
        t.same(verified, { a: 1 })
        t.throws(() => new Webhook(secret).verify(`${text} `, headers as never))
      }
    }
    t.ok(got[1]?.body.equals(long), 'what was signed is what came')
    t.equal(got[1]?.headers['content-length'], '3000000')
  },
)

t.test('Ed25519, beside HMAC, and for a stream', async (t) => {
  const { url, got } = await recorder(t)
  const sign = { secrets: [{ file: 'a' }, { file: 'b' }, { file: 'c' }] }
  const seed = generateKeyPairSync('ed25519').privateKey
  const raw = seed.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const own = `whsk_${raw.toString('base64')}`
  const spki = createPublicKey(seed).export({ format: 'der', type: 'spki' })
  const files = { a: WHSEC, b: WHSK, c: own }
  const destination = destinationOf(url, { sign })
  await deliver(t, attemptOf(destination, streamOf(Buffer.alloc(2_000_000))), held(files))
  const [{ headers, body }] = got as [(typeof got)[0]]
  const signed = { id: ID, timestamp: Number(headers['webhook-timestamp']) }
  const given = String(headers['webhook-signature'])
  const kinds = given.split(' ').map((each) => each.split(',')[0])
  t.same(kinds, ['v1', 'v1a', 'v1a'])
  const publicKey = `whpk_${spki.subarray(-32).toString('base64')}`
  for (const key of [WHSEC, WHPK, publicKey]) {
    t.ok(isSigned([checkingKey(key)], signed, body, given), key)
    t.notOk(isSigned([checkingKey(key)], { ...signed, id: 'x' }, body, given))
    t.notOk(isSigned([checkingKey(key)], signed, Buffer.from('x'), given))
  }
})

t.test('the time is fresh at each attempt, and a bad key never shows', async (t) => {
  const { url, got } = await recorder(t)
  let now = 1_700_000_000_500
  const clock = { ...systemClock, now: () => now }
  const transport = transportFor(t, { clock, ...held({ k: WHSEC, bad: 'whsec_SECRET!' }) })
  const signal = new AbortController().signal
  const good = destinationOf(url, { sign: { secrets: [{ file: 'k' }] } })
  await transport.deliver(attemptOf(good), signal)
  now += 60_000
  await transport.deliver(attemptOf(good), signal)
  const times = got.map(({ headers }) => headers['webhook-timestamp'])
  t.same(times, ['1700000000', '1700000060'])
  const bad = destinationOf(url, { sign: { secrets: [{ file: 'bad' }] } })
  t.strictSame(await transport.deliver(attemptOf(bad), signal), {
    kind: 'deferred',
    fault: 'configuration',
    reason: 'secret { file = "bad" }: is no base64',
  })
  const odd = destinationOf(url, { sign: { secrets: [{ file: 'k' }], kind: 'v1a' } })
  t.match(await transport.deliver(attemptOf(odd), signal), {
    reason: 'secret { file = "k" }: is a key for v1 (whsec_), and not for v1a',
  })
  t.equal(got.length, 2)
})

t.test('query, header of the key, and statuses that mean delivered', async (t) => {
  const seen: { url: string; headers: Record<string, unknown> }[] = []
  let status = 200
  const url = await receiver(t, (request, response) => {
    request.resume()
    seen.push({ url: request.url ?? '', headers: request.headers })
    response.writeHead(status).end(`you said ${request.url}`)
  })
  const query = { source: 'a b&c', token: { file: 'x' } }
  const to = destinationOf(`${url}/in?x=%20y`, {
    query,
    idempotencyHeader: 'x-request-id',
    success: [204, 409],
  })
  const ends: unknown[] = []
  for (status of [204, 409, 202, 500, 400]) {
    const outcome = await deliver(t, attemptOf(to, 'x', { key: 'order-1' }))
    t.notMatch(JSON.stringify(outcome), /the-secret/)
    ends.push(outcome.kind)
  }
  t.same(ends, ['delivered', 'delivered', 'deferred', 'deferred', 'bounced'])
  t.equal(seen[0]?.url, '/in?x=%20y&source=a%20b%26c&token=the-secret')
  t.match(seen[0]?.headers, { 'x-request-id': 'order-1', 'idempotency-key': undefined })
  const none = destinationOf(url, { idempotencyHeader: 'none' })
  status = 200
  t.match(await deliver(t, attemptOf(none)), { kind: 'delivered' })
  t.notOk('idempotency-key' in seen.at(-1)!.headers)
})

t.test('bodies packed where they are worth it, answers unpacked to be read', async (t) => {
  const { url, got } = await recorder(t)
  const to = destinationOf(url, { compress: 'gzip' })
  const [text, noise] = ['{"a":"b"}'.repeat(1000), randomBytes(5000)]
  const long = Buffer.from(text.repeat(300))
  await deliver(t, attemptOf(to, text))
  await deliver(t, attemptOf(to, 'short'))
  await deliver(t, attemptOf(to, { kind: 'bytes', bytes: noise }))
  await deliver(t, attemptOf(to, streamOf(long)))
  await deliver(t, attemptOf({ ...to, compressAbove: 5_000_000 }, streamOf(long)))
  const encodings = got.map(({ headers }) => headers['content-encoding'])
  t.same(encodings, ['gzip', undefined, undefined, 'gzip', undefined])
  t.ok(got[0]!.body.length < 200)
  t.equal(String(gunzipSync(got[0]!.body)), text)
  t.equal(String(got[1]!.body), 'short')
  t.ok(got[2]!.body.equals(noise))
  t.ok(gunzipSync(got[3]!.body).equals(long))
  t.ok(got[4]!.body.equals(long))
  // What its sender packed himself is packed once.
  const own = { headers: { 'Content-Encoding': 'br' } }
  await deliver(t, attemptOf(to, streamOf(long), own))
  await deliver(t, attemptOf({ ...to, headers: own.headers }, text))
  for (const [at, body] of [
    [5, long],
    [6, Buffer.from(text)],
  ] as const) {
    t.equal(got[at]!.headers['content-encoding'], 'br')
    t.ok(got[at]!.body.equals(body))
  }
  const broken: Body = {
    kind: 'stream',
    length: 9,
    open: () =>
      new Readable({
        read() {
          this.destroy(Object.assign(new Error('disk'), { code: 'EIO' }))
        },
      }),
  }
  const reason = 'body cannot be read: input/output error'
  t.match(await deliver(t, attemptOf({ ...to, compressAbove: 0 }, broken)), { reason })

  const page = `{"why":"no such account"}${' '.repeat(200_000)}`
  const packs = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
  for (const [name, pack] of Object.entries(packs)) {
    const answers = await receiver(t, (request, response) => {
      request.resume()
      response.writeHead(400, { 'content-encoding': name }).end(pack(page))
    })
    t.match(await deliver(t, attemptOf(destinationOf(answers))), {
      reason: '400 Bad Request: "{"why":"no such account"}"',
    })
  }
  const bomb = await receiver(t, (request, response) => {
    request.resume()
    const zeros = brotliCompressSync(Buffer.alloc(50_000_000, 'a'))
    response.writeHead(400, { 'content-encoding': 'br' }).end(zeros)
  })
  t.match(await deliver(t, attemptOf(destinationOf(bomb))), { reason: '400 Bad Request' })

  // Of what was packed as much counts as of what was not: a megabyte of these takes hours to read.
  for (const more of ['<title', '\xff']) {
    const said = Buffer.from(`${more.repeat(1_000_000 / more.length)}!`, 'latin1')
    const dense = await receiver(t, (request, response) => {
      request.resume()
      response.writeHead(400, { 'content-encoding': 'gzip' }).end(gzipSync(said))
    })
    const outcome = await deliver(t, attemptOf(destinationOf(dense)))
    t.match(outcome, { kind: 'bounced', status: 400 })
    t.notMatch((outcome as { answer?: string }).answer, /!/)
  }
})

/** A CA of its own, with a certificate for 127.0.0.1 and one for each name. */
function authority(t: Test, names: readonly string[]) {
  const dir = t.testdir({ 'server.ext': 'subjectAltName=IP:127.0.0.1' })
  const openssl = (words: string) =>
    execFileSync('openssl', words.split(' '), { cwd: dir, stdio: 'pipe' })
  const ec = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  openssl(`req -x509 ${ec} -subj /CN=our-ca -days 2 -keyout ca.key -out ca.pem`)
  for (const name of names) {
    openssl(`req ${ec} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`)
    const more = name === 'server' ? ' -extfile server.ext' : ''
    openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out ${name}.pem${more}`,
    )
  }
  return (file: string) => readFileSync(join(dir, file), 'utf8')
}

t.test('an own CA, a client certificate that is renewed, HTTP/2', async (t) => {
  const pem = authority(t, ['server', 'one', 'two'])
  const files: Record<string, string> = { ca: pem('ca.pem') }
  for (const name of ['one', 'two']) {
    files[`${name}.pem`] = pem(`${name}.pem`)
    files[`${name}.key`] = pem(`${name}.key`)
  }
  const now: Record<string, string> = {
    ...files,
    cert: files['one.pem']!,
    key: files['one.key']!,
  }
  const serve = { key: pem('server.key'), cert: pem('server.pem'), ca: pem('ca.pem') }
  const clients: string[] = []
  const asking = { ...serve, requestCert: true, rejectUnauthorized: false }
  const server = createTlsServer(asking, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    clients.push(String(subject?.CN))
    request.resume()
    response.end('ok')
  })
  server.on('tlsClientError', () => {})
  const url = `https://127.0.0.1:${await listen(t, server)}`
  const transport = transportFor(t, held(now))
  const send = (more: Parameters<typeof destinationOf>[1]) =>
    transport.deliver(attemptOf(destinationOf(url, more)), new AbortController().signal)
  t.match(await send({}), { reason: /^TLS: / }, 'nobody knows our CA')
  const ca = { ca: { file: 'ca' } }
  t.match(await send({ tls: ca }), { kind: 'delivered' })
  const tls = { ...ca, cert: { file: 'cert' }, key: { file: 'key' } }
  const client = destinationOf(url, { tls })
  const again = () => transport.deliver(attemptOf(client), new AbortController().signal)
  t.match(await again(), { kind: 'delivered' })
  now['cert'] = files['two.pem']!
  t.match(await again(), { kind: 'deferred', reason: /key values mismatch/ }, 'half-way')
  now['key'] = files['two.key']!
  t.match(await again(), { kind: 'delivered' })
  t.same(clients, ['undefined', 'one', 'two'])

  const versions: string[] = []
  const both = createSecureServer({ ...serve, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion)
    request.resume()
    request.on('end', () => {
      if (request.url === '/silent') return
      if (request.url === '/reset') response.stream.close(2)
      else response.writeHead(request.url === '/no' ? 422 : 200).end('said')
    })
  })
  const h2 = `https://127.0.0.1:${await listen(t, both)}`
  const at = (path: string, more = {}) =>
    destinationOf(`${h2}${path}`, { tls: ca, http2: true, ...more })
  const go = (to: ReturnType<typeof at>, body: Body | string = 'hello') =>
    transport.deliver(attemptOf(to, body), new AbortController().signal)
  const all = await Promise.all([...'abcde'].map(() => go(at('/in'))))
  for (const outcome of all)
    t.match(outcome, { kind: 'delivered', reason: '200 OK', answer: 'said' })
  t.match(await go(at('/no')), { kind: 'bounced', status: 422, answer: 'said' })
  t.match(await go(at('/in'), streamOf(Buffer.alloc(2_000_000))), { kind: 'delivered' })
  t.match(await go(at('/silent', limits(300))), {
    reason: 'no answer in 300ms',
    mayHaveArrived: true,
  })
  t.match(await go(at('/reset')), { kind: 'deferred', mayHaveArrived: true })
  t.same([...new Set(versions)], ['2.0'])
  t.match(await go(at('/in', { http2: undefined })), { kind: 'delivered' })
  t.equal(versions.at(-1), '1.1')
  t.match(await send({ tls: ca, http2: true }), { kind: 'delivered' }, 'one without it')
})

t.test('a proxy of its own goes before the one of the environment', async (t) => {
  const { url, got } = await recorder(t)
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers['proxy-authorization'] ?? ''} ${request.url}`)
    const { method, headers } = request
    const onward = httpRequest(String(request.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, socket, head) => {
    asked.push(`CONNECT ${request.url}`)
    const [host = '', port = ''] = String(request.url).split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => {}).on('close', () => onward.destroy())
  })
  const proxy = `http://127.0.0.1:${await listen(t, server)}`
  const dead = { http_proxy: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' }
  const secrets = () => proxy.replace('//', '//me:sesame@')
  const go = (to: ReturnType<typeof destinationOf>) =>
    deliver(t, attemptOf(to), { env: dead, secrets })
  t.match(await go(destinationOf(url)), { reason: /^proxy: connection refused/ })
  t.match(await go(destinationOf(url, { proxy })), { kind: 'delivered' })
  t.match(await go(destinationOf(url, { proxy: { file: 'p' } })), { kind: 'delivered' })
  t.match(await go(destinationOf(url, { proxy: 'none' })), { kind: 'delivered' })
  const basic = `Basic ${Buffer.from('me:sesame').toString('base64')}`
  t.same(asked, [` ${url}/`, `${basic} ${url}/`])
  t.equal(got.length, 3)
  const pem = authority(t, ['server'])
  const serve = { key: pem('server.key'), cert: pem('server.pem') }
  const both = createSecureServer({ ...serve, allowHTTP1: true }, (request, response) => {
    request.resume()
    response.end(request.httpVersion)
  })
  const inside = `https://127.0.0.1:${await listen(t, both)}/in`
  const tls = { ca: { file: 'ca' } }
  const through = destinationOf(inside, { proxy, tls, http2: true })
  const ca = () => pem('ca.pem')
  t.match(await deliver(t, attemptOf(through), { secrets: ca }), { answer: '2.0' })
  t.equal(asked.at(-1), `CONNECT ${new URL(inside).host}`)
})

/** A receiver that takes only tokens that are good, and the endpoint that makes them. */
async function guarded(t: Test) {
  const good = new Set<string>()
  const seen: { form: URLSearchParams; authorization: string | undefined }[] = []
  const state = { life: 3600, status: 200, made: 0, refuse: false, requests: 0, slow: 0 }
  const endpoint = await receiver(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { authorization } = request.headers
      seen.push({ form: new URLSearchParams(String(Buffer.concat(chunks))), authorization })
      if (state.status !== 200) {
        const why = {
          error: 'invalid_client',
          error_description: `not the-secret, nor ${authorization}`,
        }
        response.writeHead(state.status).end(JSON.stringify(why))
        return
      }
      const token = `token-${++state.made}-${'x'.repeat(6000)}`
      good.add(`Bearer ${token}`)
      const said = { access_token: token, token_type: 'bearer', expires_in: state.life }
      setTimeout(() => response.end(JSON.stringify(said)), state.slow)
    })
  })
  const url = await receiver(t, (request, response) => {
    state.requests++
    request.resume()
    const isGood = !state.refuse && good.has(String(request.headers.authorization))
    response.writeHead(isGood ? 200 : 401).end(String(request.headers.authorization))
  })
  const auth = {
    kind: 'oauth2',
    tokenUrl: `${endpoint}/token`,
    clientId: 'our:id',
    clientSecret: { file: 'x' },
    scope: 'a b',
    audience: 'shop',
    clientAuth: 'basic',
  } as const
  let passed = 0
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passed }
  const transport = transportFor(t, { clock })
  const go = (more: Parameters<typeof destinationOf>[1] = {}) =>
    transport.deliver(
      attemptOf(destinationOf(url, { auth, ...more })),
      new AbortController().signal,
    )
  return {
    auth,
    good,
    seen,
    state,
    go,
    transport,
    url,
    pass: (ms: number) => (passed += ms),
  }
}

t.test(
  'a token is fetched once for all, kept, renewed, and replaced when refused',
  async (t) => {
    const { auth, good, seen, state, go, pass } = await guarded(t)
    state.slow = 50
    const all = await Promise.all(Array.from({ length: 10 }, () => go()))
    t.same([...new Set(all.map(({ kind }) => kind))], ['delivered'])
    t.equal(seen.length, 1)
    t.notMatch(JSON.stringify(all), /token-1/, 'what a receiver repeats is hidden')
    t.same(Object.fromEntries(seen[0]!.form), {
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'shop',
    })
    const pair = Buffer.from('our%3Aid:the-secret').toString('base64')
    t.equal(seen[0]!.authorization, `Basic ${pair}`)
    pass(3_600_000 - 61_000)
    await go()
    t.equal(seen.length, 1)
    pass(2_000)
    await go()
    t.equal(seen.length, 2, 'renewed a little before its end')
    pass(10_000)
    good.clear()
    const again = await Promise.all(Array.from({ length: 5 }, () => go()))
    t.same([...new Set(again.map(({ kind }) => kind))], ['delivered'])
    t.equal(seen.length, 3, 'refused: one more for all of them')
    state.refuse = true
    state.requests = 0
    t.match(await go(), { kind: 'bounced', status: 401 })
    t.equal(state.requests, 1, 'a token that is as new as that is no worse than another')
    pass(10_000)
    t.match(await go(), { kind: 'bounced', status: 401 })
    t.same([state.requests, seen.length], [3, 4])
    state.refuse = false
    t.match(await go({ auth: { ...auth, clientAuth: 'body' } }), { kind: 'delivered' })
    t.match(Object.fromEntries(seen.at(-1)!.form), {
      client_id: 'our:id',
      client_secret: 'the-secret',
    })
    t.equal(seen.at(-1)!.authorization, undefined)
  },
)

t.test('no token: deferred, charged, and the endpoint is left in peace', async (t) => {
  const { auth, seen, state, go, pass, transport, url } = await guarded(t)
  state.status = 400
  const refused = await go()
  t.strictSame(refused, {
    kind: 'deferred',
    fault: 'configuration',
    reason:
      'token: its endpoint answered 400 Bad Request: "invalid_client: not ***, nor Basic ***"',
  })
  t.same(await go(), refused)
  t.equal(seen.length, 1)
  t.equal(state.requests, 0)
  state.status = 200
  pass(5_000)
  t.match(await go(), { kind: 'delivered' })
  // One that is good is used on while no other can be had.
  state.status = 503
  pass(3_600_000 - 30_000)
  t.match(await go(), { kind: 'delivered' })
  pass(30_000)
  t.match(await go(), { fault: 'receiver', reason: /answered 503/ })
  const dead = { ...auth, tokenUrl: 'http://127.0.0.1:1/token' }
  t.strictSame(await go({ auth: dead }), {
    kind: 'deferred',
    fault: 'network',
    reason: 'token: connection refused: 127.0.0.1:1',
  })
  const silent = { ...auth, tokenUrl: await receiver(t, (request) => request.resume()) }
  const stop = new AbortController()
  const to = attemptOf(destinationOf(url, { auth: silent }))
  const running = transport.deliver(to, stop.signal)
  setTimeout(() => stop.abort(), 50)
  t.match(await running, { uncharged: true, reason: 'stopped before an answer came' })
})

t.test(
  'a kept connection that is reset before anything goes out is not sent on',
  async (t) => {
    let requests = 0
    const url = await receiver(t, (request, response) => {
      requests++
      request.resume()
      response.end('ok', () => setTimeout(() => request.socket.resetAndDestroy(), 20))
    })
    const transport = transportFor(t)
    const to = attemptOf(destinationOf(url, { onTimeout: 'hold' }))
    for (let n = 0; n < 3; n++) {
      const outcome = await transport.deliver(to, new AbortController().signal)
      t.match(outcome, { kind: 'delivered' })
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    t.equal(requests, 3)
  },
)

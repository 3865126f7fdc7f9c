import { createServer } from 'node:http'
import tap from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { Pools } from '../../src/transport/pool.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  ID,
  limits,
  listen,
  rawReceiver,
  receiver,
  recorder,
  speaking,
  transportFor,
  until,
} from './support.ts'

tap.test('a message arrives as it was sent', async (t) => {
  const { url, got } = await recorder(t)
  const destination = destinationOf(`${url}/hooks/in?a=1#part`)
  const outcome = await deliver(t, attemptOf(destination))
  t.strictSame(outcome, { kind: 'delivered', reason: '200 OK', status: 200, answer: 'ok' })
  t.equal(got.length, 1)
  t.match(got[0], { method: 'POST', url: '/hooks/in?a=1' })
  t.equal(String(got[0]?.body), '{"a":1}')
  t.match(got[0]?.headers, {
    host: new URL(url).host,
    'content-length': '7',
    'content-type': 'text/plain; charset=utf-8',
    'idempotency-key': ID,
    'msgq-attempt': '3',
    'user-agent': 'msgq/1.2.3',
    'webhook-id': ID,
  })
})

tap.test('each header goes out once', async (t) => {
  const { url, got } = await recorder(t)
  const destination = destinationOf(url, {
    headers: { 'X-Team': 'ops', Host: 'front.example' },
    auth: { kind: 'bearer', token: { file: 'x' } },
  })
  const headers = { 'x-team': 'me', authorization: 'mine', 'x-mark': 'caf\u00e9' }
  await deliver(t, attemptOf(destination, 'x', { headers }))
  const names = got[0]!.raw
    .filter((_, at) => at % 2 === 0)
    .map((name) => name.toLowerCase())
  t.strictSame(names, [...new Set(names)])
  t.match(got[0]?.headers, {
    authorization: 'Bearer the-secret',
    host: 'front.example',
    'x-mark': 'caf\u00e9',
    'x-team': 'ops',
  })
})

tap.test('a body of any bytes arrives whole', async (t) => {
  const { url, got } = await recorder(t)
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256))
  await deliver(t, attemptOf(destinationOf(url), { kind: 'bytes', bytes }))
  t.ok(got[0]?.body.equals(bytes))
})

tap.test('an empty POST says its length, an empty GET sends none', async (t) => {
  const { url, got } = await recorder(t)
  const destination = destinationOf(url)
  for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'HEAD', 'DELETE', 'OPTIONS'])
    t.match(
      await deliver(t, attemptOf(destination, '', { method })),
      { status: 200 },
      method,
    )
  t.strictSame(
    got.map(({ method, headers }) => [method, headers['content-length']]),
    [
      ['POST', '0'],
      ['PUT', '0'],
      ['PATCH', '0'],
      ['GET', undefined],
      ['HEAD', undefined],
      ['DELETE', undefined],
      ['OPTIONS', undefined],
    ],
  )
  t.ok(got.every(({ headers }) => !('content-type' in headers)))
  t.ok(got.every(({ headers }) => !('transfer-encoding' in headers)))
})

tap.test('a body goes with every method that is given one', async (t) => {
  const { url, got } = await recorder(t)
  for (const method of ['DELETE', 'GET', 'REPORT'])
    await deliver(t, attemptOf(destinationOf(url), 'abc', { method }))
  t.strictSame(
    got.map(({ method, headers, body }) => [method, headers['content-length'], `${body}`]),
    [
      ['DELETE', '3', 'abc'],
      ['GET', '3', 'abc'],
      ['REPORT', '3', 'abc'],
    ],
  )
})

tap.test('a redirect is not followed', async (t) => {
  const { url, got } = await recorder(t)
  const front = await receiver(t, (request, response) => {
    request.resume()
    response.writeHead(302, { location: `${url}/elsewhere` }).end()
  })
  t.match(await deliver(t, attemptOf(destinationOf(front))), {
    kind: 'bounced',
    fault: 'configuration',
    reason: `302 Found: Location ${url}/elsewhere (redirects are never followed)`,
  })
  t.equal(got.length, 0)
})

tap.test('Retry-After is counted on the clock of the receiver', async (t) => {
  const url = await receiver(t, (request, response) => {
    request.resume()
    response.writeHead(503, {
      date: 'Fri, 20 Nov 2026 15:00:00 GMT',
      'retry-after': 'Fri, 20 Nov 2026 15:01:00 GMT',
    })
    response.end('upstream down')
  })
  const clock = { ...systemClock, now: () => 5_000_000 }
  t.strictSame(await deliver(t, attemptOf(destinationOf(url)), { clock }), {
    kind: 'deferred',
    reason: '503 Service Unavailable: "upstream down"',
    fault: 'receiver',
    status: 503,
    answer: 'upstream down',
    notBefore: 5_060_000,
    wholeLane: true,
  })
})

tap.test('what comes before the answer is no answer', async (t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'
  const url = await speaking(t, `${early}${early}HTTP/1.1 204 No Content\r\n\r\n`)
  t.match(await deliver(t, attemptOf(destinationOf(url))), {
    kind: 'delivered',
    reason: '204 No Content',
  })
})

tap.test('connections are used again', async (t) => {
  let connections = 0
  const server = createServer((request, response) => {
    request.resume()
    response.end('ok')
  }).on('connection', () => connections++)
  const destination = destinationOf(`http://127.0.0.1:${await listen(t, server)}`)
  const transport = transportFor(t)
  const { signal } = new AbortController()
  for (let n = 0; n < 20; n++) await transport.deliver(attemptOf(destination), signal)
  // One rests for a turn of the event loop while the next message takes the other.
  t.ok(connections <= 2)
})

tap.test('a lane never has more connections than its window', async (t) => {
  let connections = 0
  let most = 0
  const server = createServer((request, response) => {
    request.resume()
    setTimeout(() => response.end('ok'), 20)
  }).on('connection', (socket) => {
    most = Math.max(most, ++connections)
    socket.on('close', () => connections--)
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const destination = destinationOf(url, { lane: { window: 3 } })
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, () => transport.deliver(attemptOf(destination), signal)),
  )
  t.ok(outcomes.every(({ kind }) => kind === 'delivered'))
  t.equal(most, 3)
})

tap.test('of a long answer 16 KiB are read and 2 KiB kept', async (t) => {
  for (const [status, kind] of [
    [200, 'delivered'],
    [500, 'deferred'],
  ] as const) {
    let written = 0
    let closed = false
    const url = await rawReceiver(t, (socket) => {
      socket.on('close', () => (closed = true))
      socket.once('data', () => {
        socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 1000000000\r\n\r\n`)
        const more = () => {
          if (socket.destroyed) return
          written += 65_536
          socket.write(Buffer.alloc(65_536, 'x'), more)
        }
        more()
      })
    })
    const outcome = await deliver(t, attemptOf(destinationOf(url)))
    t.match(outcome, { kind, status })
    t.equal(outcome.answer?.length, 2048)
    await until(() => closed)
    t.ok(written < 100_000_000, 'the connection was dropped')
  }
})

tap.test(
  'once its head is there, an answer counts, whatever comes of the rest',
  async (t) => {
    const head = 'content-length: 100\r\n\r\nbegun'
    for (const [bytes, expected] of [
      [`HTTP/1.1 200 OK\r\n${head}`, { kind: 'delivered', answer: 'begun' }],
      [`HTTP/1.1 400 Bad Request\r\n${head}`, { kind: 'bounced', answer: 'begun' }],
      [
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
        { kind: 'delivered' },
      ],
    ] as const) {
      const cut = await speaking(t, bytes, true)
      t.match(await deliver(t, attemptOf(destinationOf(cut))), expected, 'cut off')
      const stalled = destinationOf(await speaking(t, bytes), limits(300))
      t.match(await deliver(t, attemptOf(stalled)), expected, 'stalled until the timeout')
    }
  },
)

tap.test('what an answer repeats of a secret is hidden', async (t) => {
  const url = await receiver(t, (request, response) => {
    request.resume()
    response.writeHead(400).end(`bad ${request.headers.authorization} at ${request.url}`)
  })
  const inline = `${url}/services/T0/B0`
  const destination = destinationOf(
    { inline },
    { auth: { kind: 'basic', user: 'me', password: { file: 'x' } } },
  )
  const secrets = (reference: object) => ('inline' in reference ? inline : 'the-secret')
  const outcome = await deliver(t, attemptOf(destination), { secrets })
  t.equal(outcome.answer, 'bad Basic *** at ***')
})

tap.test('ten and more attempts under one signal bring no warning', async (t) => {
  const warnings: Error[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const { url } = await recorder(t)
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const attempt = attemptOf(destinationOf(url))
  await Promise.all(Array.from({ length: 50 }, () => transport.deliver(attempt, signal)))
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(warnings, [])
})

tap.test(
  'pools are apart by destination, together by origin, and go when idle',
  async (t) => {
    let now = 0
    const clock = { now: () => now, monotonic: () => now }
    const pools = new Pools(clock, () => undefined)
    t.teardown(() => pools.close())
    const take = (name: string, url: string, window = 20) =>
      pools.take(destinationOf(url, { name, lane: { window } }), new URL(url))
    const url = 'http://127.0.0.1:9/a'
    const crm = take('crm', url)
    t.equal(take('crm', url), crm, 'a reload that changes nothing changes nothing')
    t.not(take('crm', url, 5), crm, 'a new window makes a new pool')
    t.not(take('ops', url), crm, 'another destination has its own')
    t.not(take('=127.0.0.1_9', url), crm)
    t.equal(
      take('=127.0.0.1_9', 'http://127.0.0.1:9/b'),
      take('http://127.0.0.1:9/c', 'http://127.0.0.1:9/c'),
      'bare URLs of one origin share theirs',
    )
    t.equal(pools.size, 4)
    const ops = take('ops', url)
    pools.give(ops)
    pools.give(ops)
    now += 59_000
    take('crm', url)
    t.equal(pools.size, 4)
    now += 60_000
    take('crm', url)
    t.equal(pools.size, 3, 'only the one that nobody uses is gone')
  },
)

import { createServer } from 'node:net'
import fc from 'fast-check'
import tap from 'tap'

import type { Outcome } from '../../src/message/outcome.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  httpOf,
  limits,
  listen,
  rawReceiver,
  receiver,
  recorder,
  speaking,
  transportFor,
  until,
} from './support.ts'

/** A port of loopback on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

tap.test('a receiver that does not listen', async (t) => {
  const port = await deadPort()
  t.strictSame(await deliver(t, attemptOf(destinationOf(`http://127.0.0.1:${port}`))), {
    kind: 'deferred',
    reason: `connection refused: 127.0.0.1:${port}`,
    fault: 'network',
  })
  t.match(await deliver(t, attemptOf(destinationOf(`http://localhost:${port}`))), {
    kind: 'deferred',
    reason: `connection refused: localhost:${port}`,
    fault: 'network',
  })
})

tap.test('a host that does not exist', async (t) => {
  // A label of more than 63 letters is refused before anybody is asked.
  const host = `${'x'.repeat(64)}.invalid`
  const outcome = await deliver(t, attemptOf(destinationOf(`http://${host}/in`)))
  t.match(outcome, { kind: 'deferred', fault: 'network' })
  t.match(outcome.reason, /^(no such host|host name cannot be looked up.*): x+\.invalid$/)
})

tap.test('a receiver that hangs up', async (t) => {
  const closing = await rawReceiver(t, (socket) => socket.once('data', () => socket.end()))
  t.match(await deliver(t, attemptOf(destinationOf(closing))), {
    kind: 'deferred',
    reason: 'connection closed before an answer came',
    fault: 'network',
  })
  const resetting = await rawReceiver(t, (socket) =>
    socket.once('data', () => socket.resetAndDestroy()),
  )
  t.match(await deliver(t, attemptOf(destinationOf(resetting))), {
    kind: 'deferred',
    fault: 'network',
    reason: /^connection (reset|closed) before an answer came/,
  })
  const early = await rawReceiver(t, (socket) => socket.resetAndDestroy())
  t.match(await deliver(t, attemptOf(destinationOf(early))), {
    kind: 'deferred',
    fault: 'network',
  })
})

tap.test('a receiver that speaks no HTTP, or broken HTTP', async (t) => {
  for (const [bytes, what] of [
    ['SSH-2.0-OpenSSH_9.2\r\n', 'another protocol'],
    ['\u0000\u0001\u0002\u0003', 'noise'],
    ['HTTP/1.1 200\u0000OK\r\n\r\n', 'a NUL in the status line'],
    ['HTTP/1.1 2x0 OK\r\n\r\n', 'a status that is no number'],
    ['HTTP/9.9 200 OK\r\n\r\n', 'a version that nobody knows'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'a header without a colon'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 'two lengths'],
  ] as const) {
    const outcome = await deliver(t, attemptOf(destinationOf(await speaking(t, bytes))))
    t.match(outcome, { kind: 'deferred', fault: 'receiver' }, what)
    t.match(outcome.reason, /^broken HTTP: \w+/, what)
  }
})

tap.test('headers without end', async (t) => {
  const url = await speaking(t, `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}`)
  t.match(await deliver(t, attemptOf(destinationOf(url))), {
    kind: 'deferred',
    reason: 'broken HTTP: the headers are too long',
    fault: 'receiver',
  })
})

tap.test('an upgrade or a 100 that nobody asked for', async (t) => {
  for (const status of ['100 Continue', '101 Switching Protocols\r\nupgrade: x']) {
    const url = await speaking(t, `HTTP/1.1 ${status}\r\nconnection: upgrade\r\n\r\n`)
    t.match(
      await deliver(t, attemptOf(destinationOf(url))),
      { kind: 'deferred', fault: 'receiver', reason: /^broken HTTP: / },
      status,
    )
  }
})

tap.test('a receiver that never answers', async (t) => {
  let closed = 0
  const url = await rawReceiver(t, (socket) => {
    socket.on('data', () => {}).on('close', () => closed++)
  })
  t.strictSame(await deliver(t, attemptOf(destinationOf(url, limits(250)))), {
    kind: 'deferred',
    reason: 'no answer in 250ms',
    fault: 'receiver',
    mayHaveArrived: true,
  })
  await until(() => closed === 1)
})

tap.test('a receiver that trickles does not outlive the timeout', async (t) => {
  const url = await rawReceiver(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket.write('x-a: b\r\n'), 20)
      socket.on('close', () => clearInterval(timer))
    })
  })
  const outcome = await deliver(t, attemptOf(destinationOf(url, limits(300))))
  t.match(outcome, { kind: 'deferred', reason: 'no answer in 300ms' })
})

tap.test('a limit for the headers alone', async (t) => {
  const url = await rawReceiver(t, (socket) => socket.on('data', () => {}))
  const http = httpOf({ timeout: 60_000, headersTimeout: 500 })
  t.match(await deliver(t, attemptOf(destinationOf(url, { http }))), {
    kind: 'deferred',
    reason: 'no answer in 500ms',
    fault: 'receiver',
  })
})

tap.test('a connection that is never made', async (t) => {
  // A TLS handshake that nobody answers is a connection that never comes about.
  const mute = await listen(
    t,
    createServer((socket) => socket.on('data', () => {})),
  )
  const url = `https://127.0.0.1:${mute}`
  t.match(await deliver(t, attemptOf(destinationOf(url, limits(60_000, 500)))), {
    kind: 'deferred',
    reason: `no connection to 127.0.0.1:${mute} in 500ms`,
    fault: 'network',
  })
  t.match(await deliver(t, attemptOf(destinationOf(url, limits(300)))), {
    kind: 'deferred',
    reason: `no connection to 127.0.0.1:${mute} in 300ms`,
    fault: 'network',
  })
})

tap.test('what timed out before there was a connection is never written', async (t) => {
  let requests = 0
  const url = await receiver(t, (request, response) => {
    requests++
    request.resume()
    setTimeout(() => response.end('ok'), 600)
  })
  const transport = transportFor(t)
  const { signal } = new AbortController()
  // One connection, which the first message holds: the second waits for it in vain.
  const destination = destinationOf(url, { lane: { window: 1 } })
  const first = transport.deliver(attemptOf(destination), signal)
  const hasty = { ...destination, ...limits(100) }
  t.match(await transport.deliver(attemptOf(hasty), signal), {
    kind: 'deferred',
    fault: 'network',
  })
  t.match(await first, { kind: 'delivered' })
  t.match(await transport.deliver(attemptOf(destination), signal), { kind: 'delivered' })
  t.equal(requests, 2)
})

tap.test('after each failure the same destination can be reached again', async (t) => {
  let round = 0
  const url = await rawReceiver(t, (socket) => {
    socket.on('data', () => {
      round++
      if (round === 1) socket.resetAndDestroy()
      else if (round === 2) socket.end('garbage')
      else if (round > 3) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    })
  })
  const destination = destinationOf(url, { ...limits(300), lane: { window: 1 } })
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const outcomes: Outcome[] = []
  for (let n = 0; n < 5; n++)
    outcomes.push(await transport.deliver(attemptOf(destination), signal))
  t.strictSame(
    outcomes.map(({ kind }) => kind),
    ['deferred', 'deferred', 'deferred', 'delivered', 'delivered'],
  )
})

tap.test('what cannot be sent for a fault of ours is deferred, and says why', async (t) => {
  const { url, got } = await recorder(t)
  const auth = { kind: 'bearer', token: { env: 'TOKEN' } } as const
  const error = Object.assign(new Error('no sesame'), { code: 'ENOENT' })
  const secrets = () => {
    throw error
  }
  t.strictSame(await deliver(t, attemptOf(destinationOf(url, { auth })), { secrets }), {
    kind: 'deferred',
    reason: 'secret { env = "TOKEN" }: no such file or directory',
    fault: 'configuration',
  })
  const broken = { headers: { 'x-key': { file: 'k' } } }
  const torn = { secrets: () => 'sesame\nopen' }
  const outcome = await deliver(t, attemptOf(destinationOf(url, broken)), torn)
  t.match(outcome, { kind: 'deferred', fault: 'configuration' })
  t.match(outcome.reason, 'x-key')
  t.notMatch(outcome.reason, 'sesame')
  t.match(await deliver(t, attemptOf(destinationOf('gopher://x/'))), {
    kind: 'deferred',
    fault: 'configuration',
  })
  t.equal(got.length, 0)
})

tap.test('the signal ends an attempt', async (t) => {
  const seen: string[] = []
  const url = await rawReceiver(t, (socket) => {
    socket.on('data', (chunk) => seen.push(String(chunk)))
  })
  const transport = transportFor(t)
  const stop = new AbortController()
  const running = transport.deliver(attemptOf(destinationOf(url)), stop.signal)
  const other = transport.deliver(
    attemptOf(destinationOf(url, limits(2_000))),
    new AbortController().signal,
  )
  await until(() => seen.length === 2)
  stop.abort()
  t.strictSame(await running, {
    kind: 'deferred',
    reason: 'stopped before an answer came',
    fault: 'configuration',
    mayHaveArrived: true,
  })
  t.match(await other, { reason: 'no answer in 2s' }, 'and no other')
  t.strictSame(
    await transport.deliver(attemptOf(destinationOf(url)), stop.signal),
    {
      kind: 'deferred',
      reason: 'stopped before an answer came',
      fault: 'configuration',
      uncharged: true,
    },
    'nothing was written, nothing is charged',
  )
  t.equal(seen.length, 2)
})

tap.test('an answer whose head is there counts when the signal comes', async (t) => {
  let asked = false
  const url = await rawReceiver(t, (socket) => {
    socket.on('data', () => {
      asked = true
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun')
    })
  })
  const stop = new AbortController()
  const running = transportFor(t).deliver(attemptOf(destinationOf(url)), stop.signal)
  await until(() => asked)
  await new Promise((resolve) => setTimeout(resolve, 100))
  stop.abort()
  t.match(await running, { kind: 'delivered', answer: 'begun' })
})

tap.test('close ends what is under way and what is still connecting', async (t) => {
  let accepted = 0
  let gone = 0
  const mute = createServer((socket) => {
    accepted++
    socket.on('data', () => {}).on('close', () => gone++)
  })
  const port = await listen(t, mute)
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const running = [`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`].map((url) =>
    transport.deliver(attemptOf(destinationOf(url)), signal),
  )
  await until(() => accepted === 2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await transport.close()
  for (const outcome of await Promise.all(running))
    t.match(outcome, { kind: 'deferred', reason: 'stopped before an answer came' })
  await until(() => gone === 2)
  t.match(
    await transport.deliver(attemptOf(destinationOf(`http://127.0.0.1:${port}`)), signal),
    { kind: 'deferred' },
    'and nothing begins any more',
  )
  t.equal(accepted, 2)
})

tap.test('whatever a receiver writes, the attempt ends in an outcome', async (t) => {
  let bytes = new Uint8Array()
  const url = await rawReceiver(t, (socket) => socket.once('data', () => socket.end(bytes)))
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const attempt = attemptOf(destinationOf(url))
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'content-length: 5',
      'content-length: -1',
      'transfer-encoding: chunked',
      'connection: upgrade',
      'retry-after: 99999999999999999999',
      'location: \u0001',
      'keep-alive: timeout=-1',
    ),
  )
  const answer = fc
    .tuple(
      fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2', ''),
      fc.oneof(fc.integer({ min: 90, max: 1010 }).map(String), fc.string()),
      fc.array(line, { maxLength: 4 }),
      fc.string(),
    )
    .map(([version, status, lines, body]) =>
      Buffer.from([`${version} ${status} X`, ...lines, '', body].join('\r\n'), 'latin1'),
    )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array(), answer), async (given) => {
      bytes = given
      const outcome = await transport.deliver(attempt, signal)
      const success = outcome.status !== undefined && outcome.status < 300
      t.equal(outcome.kind === 'delivered', success)
      t.notMatch(outcome.reason, /^$|[\u0000-\u001f\u007f]/)
    }),
    { numRuns: 300 },
  )
})

/**
 * hostile - receivers that mean harm: whatever they do, an attempt ends in the right outcome,
 * within its time and in bounded memory.
 */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import {
  attemptOf,
  deliver,
  destinationOf,
  limits,
  rawReceiver,
  recorder,
  speaking,
  transportFor,
  until,
} from './support.ts'

const MIB = 1024 * 1024
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
/** What an attempt may take beyond its time where the machine is busy. */
const GRACE = 10_000

const silent = { kind: 'deferred', fault: 'receiver', reason: /^no answer in / } as const
const broken = { kind: 'deferred', fault: 'receiver', reason: /^broken HTTP: / } as const
const cut = { kind: 'deferred', fault: 'network', reason: /^connection / } as const
const arrived = { kind: 'delivered', status: 200, reason: '200 OK' } as const

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that somebody still holds. The second round frees what the first one found. */
async function held(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    await sleep(20)
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** A receiver that says a head and then the same bytes for as long as they are taken. */
async function flooding(t: Test, head: string, more: string, most = Infinity) {
  const bytes = Buffer.from(more, 'latin1')
  const seen = { wrote: 0, gone: 0 }
  const flood = (socket: Socket): void => {
    while (!socket.destroyed && seen.wrote < most) {
      seen.wrote += bytes.length
      if (socket.write(bytes)) continue
      socket.once('drain', () => flood(socket))
      return
    }
  }
  const url = await rawReceiver(t, (socket) => {
    socket.on('close', () => seen.gone++)
    socket.once('data', () => {
      socket.write(head, 'latin1')
      flood(socket)
    })
  })
  return { url, seen }
}

const X = 'x'.repeat(64 * 1024)

t.test('an answer without end is cut off as soon as it is too long', async (t) => {
  const length = 'HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n'
  for (const [name, head, more, expected] of [
    ['body', 'HTTP/1.1 200 OK\r\n\r\n', X, arrived],
    ['body of a 503', 'HTTP/1.1 503 No\r\n\r\n', X, { kind: 'deferred', status: 503 }],
    ['body of a 400', 'HTTP/1.1 400 No\r\n\r\n', X, { kind: 'bounced', status: 400 }],
    ['body with its length', length, X, arrived],
    ['chunks', CHUNKED, '1\r\nx\r\n'.repeat(8192), arrived],
    ['trailers', `${CHUNKED}0\r\n`, 'x-a: b\r\n'.repeat(8192), arrived],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'.repeat(8192), broken],
    ['header', 'HTTP/1.1 200 OK\r\nx-a: ', X, broken],
    ['name of a header', 'HTTP/1.1 200 OK\r\n', X, broken],
    ['status', 'HTTP/1.1 2', '0'.repeat(64 * 1024), broken],
    ['version', 'HTTP/1.', '1'.repeat(64 * 1024), broken],
  ] as const) {
    const { url, seen } = await flooding(t, head, more)
    t.match(await deliver(t, attemptOf(destinationOf(url))), expected, name)
    await until(() => seen.gone === 1)
    // What nobody read lies in the buffers of the system, which may be large.
    t.ok(seen.wrote < 32 * MIB, `${name}: ${seen.wrote} bytes`)
  }
})

t.test('what cannot be told from a slow answer ends with its time', async (t) => {
  for (const [name, head, more, expected] of [
    ['chunk extension', `${CHUNKED}5;a=`, X, arrived],
    ['chunk size', CHUNKED, '0'.repeat(64 * 1024), arrived],
    ['reason phrase', 'HTTP/1.1 200 ', X, silent],
    ['103', '', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(2000), silent],
    ['102', '', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(2000), silent],
    ['empty lines', '', '\r\n'.repeat(32 * 1024), silent],
  ] as const) {
    const before = await held()
    const { url, seen } = await flooding(t, head, more, 16 * MIB)
    const start = performance.now()
    const running = deliver(t, attemptOf(destinationOf(url, limits(1_500))))
    await until(() => seen.wrote >= 16 * MIB || seen.gone === 1)
    const grown = (await held()) - before
    t.match(await running, expected, name)
    t.ok(performance.now() - start < 1_500 + GRACE, `${name}: within its time`)
    t.ok(grown < 8 * MIB, `${name}: held ${grown} bytes after ${seen.wrote}`)
    await until(() => seen.gone === 1)
  }
})

t.test('a receiver that speaks a byte a second does not outlive the timeout', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine'
  // Once the head is there it counts, and the rest is not waited for beyond the time.
  for (const [name, from, expected] of [
    ['from the first byte on', 0, silent],
    ['from the last header on', answer.indexOf('\r\n\r\n'), silent],
    ['from the body on', answer.indexOf('fine'), arrived],
  ] as const) {
    const url = await rawReceiver(t, (socket) => {
      socket.once('data', () => {
        socket.setNoDelay(true)
        socket.write(answer.slice(0, from))
        let at = from
        const timer = setInterval(() => socket.write(answer[at++] ?? ' '), 1_000)
        socket.on('close', () => clearInterval(timer))
      })
    })
    const start = performance.now()
    t.match(await deliver(t, attemptOf(destinationOf(url, limits(700)))), expected, name)
    t.ok(performance.now() - start < 700 + GRACE, name)
  }
})

t.test('lengths that lie', async (t) => {
  const ok = 'HTTP/1.1 200 OK\r\n'
  const bad = 'HTTP/1.1 500 No\r\n'
  for (const [bytes, expected] of [
    // What was said in the head was said, however the body goes on.
    [`${ok}content-length: 99\r\n\r\nshort`, arrived],
    [`${bad}content-length: 99\r\n\r\nshort`, { kind: 'deferred', status: 500 }],
    [`${ok}content-length: 2\r\n\r\nfar too long`, arrived],
    [`${ok}transfer-encoding: chunked\r\n\r\n5\r\nab`, arrived],
    [`${ok}transfer-encoding: chunked\r\n\r\nnonsense\r\n`, arrived],
    [`${ok}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx`, arrived],
    // What cannot be a head was never said.
    [`${ok}content-length: -1\r\n\r\n`, broken],
    [`${ok}content-length: 1x\r\n\r\nx`, broken],
    [`${ok}content-length: 99999999999999999999999\r\n\r\nx`, broken],
    [`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nx`, broken],
    [`${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, broken],
  ] as const) {
    const url = await speaking(t, bytes, true)
    const name = JSON.stringify(bytes)
    t.match(await deliver(t, attemptOf(destinationOf(url, limits(2_000)))), expected, name)
  }
})

t.test('a reset or an end at each byte of an answer', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\n'
  const answer = `${head}12345`
  let length = 0
  let reset = false
  const url = await rawReceiver(t, (socket) => {
    socket.setNoDelay(true)
    socket.once('data', () => {
      if (length === 0 && reset) socket.resetAndDestroy()
      else if (!reset) socket.end(answer.slice(0, length))
      // A reset overtakes what lies unread; the pause lets that be read.
      else
        socket.write(answer.slice(0, length), () =>
          setTimeout(() => socket.resetAndDestroy(), 20),
        )
    })
  })
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const attempt = attemptOf(destinationOf(url))
  for (length = 0; length <= answer.length; length++)
    for (reset of [false, true]) {
      const outcome = await transport.deliver(attempt, signal)
      const said = `${reset ? 'reset' : 'end'} after ${length} bytes: ${outcome.reason}`
      if (length >= head.length) t.match(outcome, arrived, said)
      else if (reset || length === 0) t.match(outcome, cut, said)
      else t.match(outcome, { kind: 'deferred', fault: /^(network|receiver)$/ }, said)
    }
})

t.test('no redirect is followed, whatever it says', async (t) => {
  const { url: trap, got } = await recorder(t)
  for (const status of [300, 301, 302, 303, 304, 305, 307, 308, 399])
    for (const location of [`location: ${trap}/\r\n`, `refresh: 0;url=${trap}/\r\n`, '']) {
      const head = `HTTP/1.1 ${status} X\r\n${location}content-length: 0\r\n\r\n`
      t.match(
        await deliver(t, attemptOf(destinationOf(await speaking(t, head)))),
        { kind: 'bounced', status, fault: 'configuration', reason: /never followed/ },
        head,
      )
    }
  t.equal(got.length, 0)
})

t.test('a connection that is accepted and never read', async (t) => {
  let accepted = 0
  let late = 0
  const url = await rawReceiver(t, (socket) => {
    // undici connects anew when a request is cut off; nothing may be sent over that.
    if (++accepted > 8) socket.on('data', (bytes) => (late += bytes.length))
    else socket.pause()
  })
  const body = { kind: 'bytes', bytes: Buffer.alloc(5 * MIB, 'x') } as const
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const before = await held()
  const start = performance.now()
  const attempt = attemptOf(destinationOf(url, limits(700)), body)
  const running = Array.from({ length: 8 }, () => transport.deliver(attempt, signal))
  await until(() => accepted === 8)
  const grown = (await held()) - before
  for (const outcome of await Promise.all(running)) t.match(outcome, silent)
  t.ok(performance.now() - start < 700 + GRACE)
  t.ok(grown < 4 * MIB, `the body is held once, not once for each: ${grown}`)
  await sleep(100)
  t.equal(late, 0)
})

t.test(
  'random bytes never throw, and deliver only behind a status line of 2xx',
  async (t) => {
    let bytes: Uint8Array = Buffer.alloc(0)
    const url = await rawReceiver(t, (socket) =>
      socket.once('data', () => socket.end(bytes)),
    )
    const transport = transportFor(t)
    const { signal } = new AbortController()
    const attempt = attemptOf(destinationOf(url, limits(5_000)))
    const valid = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    /** A good answer with some of its bytes changed, left out or put in. */
    const bent = fc
      .array(fc.tuple(fc.nat(valid.length), fc.nat(1), fc.uint8Array({ maxLength: 2 })), {
        minLength: 1,
        maxLength: 3,
      })
      .map((edits) =>
        edits.reduce(
          (text, [at, drop, put]) =>
            text.slice(0, at) + Buffer.from(put).toString('latin1') + text.slice(at + drop),
          valid,
        ),
      )
      .map((text) => Buffer.from(text, 'latin1'))
    const behind = fc
      .tuple(
        fc.constantFrom('HTTP/1.1 ', 'HTTP/1.0 200', 'HTTP/1.1 20', ''),
        fc.uint8Array(),
      )
      .map(([head, tail]) => Buffer.concat([Buffer.from(head), tail]))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(bent, behind, fc.uint8Array({ maxLength: 4096 })),
        async (given) => {
          bytes = given
          const outcome = await transport.deliver(attempt, signal)
          t.match(outcome.kind, /^(delivered|deferred|bounced)$/)
          t.notMatch(outcome.reason, /^$|[\u0000-\u001f\u007f]/)
          if (outcome.kind === 'delivered')
            t.match(Buffer.from(given).toString('latin1'), /^\s*HTTP\/\d\.\d +2\d\d[ \r\n]/)
        },
      ),
      { numRuns: 1000 },
    )
  },
)

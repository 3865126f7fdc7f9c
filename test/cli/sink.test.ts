import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { Webhook } from 'standardwebhooks'
import tap from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { MsgqError } from '../../src/base/errors.ts'
import { parseScript } from '../../src/cli/sink-answers.ts'
import type { Arrival } from '../../src/cli/sink-server.ts'
import { runSink, startSink } from '../../src/cli/sink.ts'
import type { SinkOptions } from '../../src/cli/sink.ts'

interface Answered {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: string
}

/** Sends one request; what went wrong is an answer too. */
async function send(
  url: string,
  id?: string,
  body: string | Buffer = '{"a":1}',
  more: Record<string, string> = {},
): Promise<Answered | string> {
  const headers = { ...(id === undefined ? {} : { 'webhook-id': id }), ...more }
  const request = httpRequest(url, { method: 'POST', headers, agent: false })
  request.setTimeout(500, () => request.destroy(new Error('timeout')))
  return new Promise((resolve) => {
    request.on('error', (error) => resolve(error.message))
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const { statusCode: status = 0, headers: got } = response
        resolve({ status, headers: got, body: text })
      })
    })
    request.end(body)
  })
}

/** The status of each of so many requests. */
async function statuses(url: string, count: number): Promise<unknown[]> {
  const found: unknown[] = []
  for (let n = 0; n < count; n++) {
    const answered = await send(url)
    found.push(typeof answered === 'string' ? answered : answered.status)
  }
  return found
}

/** Runs the command; `lines` fills as it prints. */
function run(options: SinkOptions): {
  readonly lines: string[]
  readonly code: Promise<number>
  url(): Promise<string>
} {
  const lines: string[] = []
  const print = async (text: string) => {
    lines.push(...text.split('\n').slice(0, -1))
  }
  const code = runSink({ port: '0', ...options }, { print, clock: systemClock })
  return {
    lines,
    code,
    async url() {
      while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
      return String(/http:[^"]*/.exec(lines[0] ?? '')?.[0])
    },
  }
}

async function usage(t: Test, options: SinkOptions, message: RegExp): Promise<void> {
  const error: unknown = await run(options).code.catch((reason: unknown) => reason)
  t.type(error, MsgqError)
  t.match(error, { code: 'usage', message }, JSON.stringify(options))
  t.ok((error as MsgqError).hint)
}

tap.test('the script is played in order, and its last answer repeats', async (t) => {
  const sink = await startSink({ port: 0, answers: ['503, 429,200'] })
  t.teardown(() => sink.close())
  t.strictSame(await statuses(`${sink.url}/x`, 5), [503, 429, 200, 200, 200])
  t.equal(sink.requests, 5)
})

tap.test('without a script every answer is 200', async (t) => {
  const sink = await startSink({ port: 0 })
  t.teardown(() => sink.close())
  t.match(await send(sink.url), { status: 200, body: 'ok\n' })
})

tap.test('a path may have a script of its own', async (t) => {
  const sink = await startSink({ port: 0, answers: ['/a=503,200', '/b=400', '204'] })
  t.teardown(() => sink.close())
  t.strictSame(await statuses(`${sink.url}/b`, 2), [400, 400])
  t.strictSame(await statuses(`${sink.url}/a?x=1`, 1), [503])
  t.strictSame(await statuses(`${sink.url}/a`, 2), [200, 200])
  t.strictSame(await statuses(`${sink.url}/c`, 1), [204])
})

tap.test('an answer may be a Retry-After, a silence, or a reset', async (t) => {
  const sink = await startSink({ port: 0, answers: ['503:30,timeout,reset,200'] })
  t.teardown(() => sink.close())
  t.match(await send(sink.url), { status: 503, headers: { 'retry-after': '30' } })
  t.equal(await send(sink.url), 'timeout')
  t.match(await send(sink.url), /ECONNRESET|hang up/)
  t.match(await send(sink.url), { status: 200 })
})

tap.test('a repeat is what had been answered with 2xx before', async (t) => {
  const arrivals: Arrival[] = []
  const sink = await startSink({
    port: 0,
    answers: ['503,reset,200'],
    onArrival: (arrival) => void arrivals.push(arrival),
  })
  t.teardown(() => sink.close())
  for (const id of ['one', 'one', 'one', 'one', 'two', 'two']) await send(sink.url, id)
  await send(sink.url)
  t.strictSame(
    arrivals.map(({ repeat }) => repeat),
    [false, false, false, true, false, true, false],
  )
  t.equal(sink.requests, 7)
  t.equal(sink.unique, 2)
  t.equal(sink.repeats, 2)
  t.strictSame(
    [...sink.times],
    [
      ['one', 4],
      ['two', 2],
    ],
  )
  t.strictSame([...sink.accepted], ['one', 'two'])
})

tap.test('an answer that nobody waited for accepts nothing', async (t) => {
  let told: (() => void) | undefined
  const over = new Promise<void>((resolve) => {
    told = resolve
  })
  const sink = await startSink({ port: 0, slow: 700, onAnswered: () => told?.() })
  t.teardown(() => sink.close())
  t.equal(await send(sink.url, 'one'), 'timeout')
  await over
  t.equal(sink.accepted.size, 0)
  t.equal(sink.requests, 1)
})

tap.test('slow delays the answer', async (t) => {
  const sink = await startSink({ port: 0, slow: 200 })
  t.teardown(() => sink.close())
  const before = performance.now()
  t.match(await send(sink.url), { status: 200 })
  t.ok(performance.now() - before > 190)
})

tap.test(
  'a large body is counted, not kept; one that breaks off counts apart',
  async (t) => {
    const arrivals: Arrival[] = []
    const sink = await startSink({ port: 0, onArrival: (one) => void arrivals.push(one) })
    t.teardown(() => sink.close())
    t.match(await send(sink.url, 'one', Buffer.alloc(5_000_000, 'x')), { status: 200 })
    t.match(arrivals, [{ bytes: 5_000_000 }])
    const socket = connect(sink.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(
      'POST / HTTP/1.1\r\nhost: x\r\nwebhook-id: two\r\ncontent-length: 9\r\n\r\nab',
    )
    socket.end()
    socket.resume()
    while (sink.broken === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(sink.requests, 1)
    t.equal(sink.unique, 1)
  },
)

tap.test('close ends at once, also what is never answered', async (t) => {
  const sink = await startSink({ port: 0, answers: ['timeout'] })
  const waiting = send(sink.url)
  while (sink.requests === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await sink.close()
  t.match(await waiting, /ECONNRESET|hang up/)
  t.match(await send(sink.url), 'ECONNREFUSED')
})

tap.test('the command prints a line for each request, and the totals', async (t) => {
  const { lines, code, url } = run({ answer: ['503,200'], count: '4' })
  const to = `${await url()}/in?a=1`
  const id = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
  await send(to, id, 'first line\nsecond', { 'msgq-attempt': '1' })
  await send(to, id, 'x', { 'msgq-attempt': '2' })
  await send(to, id, Buffer.from([0, 1, 2]), { 'msgq-attempt': '3' })
  await send(to, undefined, 'evil\u001b[2J\u0007text')
  t.equal(await code, 0)
  t.match(lines[0], /^listening on http:\/\/127\.0\.0\.1:\d+$/)
  const time = /^\d\d:\d\d:\d\d\.\d{3} {2}/
  t.ok(lines.slice(1, 5).every((line) => time.test(line)))
  t.strictSame(
    lines.slice(1).map((line) => line.replace(time, '')),
    [
      'POST /in?a=1  17 bytes  8Y9V0A1P  attempt 1  -> 503  first line',
      'POST /in?a=1  1 byte  8Y9V0A1P  attempt 2  -> 200  x',
      'POST /in?a=1  3 bytes  8Y9V0A1P  attempt 3  -> 200  repeat',
      'POST /in?a=1  13 bytes  no id  -> 200  evil [2J text',
      '4 requests, 1 message, 1 repeat',
    ],
  )
})

tap.test('with --json every line is an object', async (t) => {
  const { lines, code, url } = run({ json: true, count: '1', answer: ['503:5'] })
  const to = await url()
  await send(to, 'one', 'größe', { 'msgq-attempt': '2', 'idempotency-key': 'k' })
  t.equal(await code, 0)
  const [first, arrival, last] = lines.map((line): unknown => JSON.parse(line))
  t.strictSame(first, { url: to })
  t.match(arrival, {
    at: /^\d{4}-\d\d-\d\dT.*Z$/,
    method: 'POST',
    path: '/',
    bytes: 7,
    id: 'one',
    attempt: 2,
    key: 'k',
    answer: '503:5',
    repeat: false,
    text: 'größe',
  })
  t.strictSame(last, { requests: 1, messages: 1, repeats: 0, broken: 0 })
})

tap.test('a request that is never answered counts for --count', async (t) => {
  const { code, url } = run({ count: '1', answer: ['timeout'] })
  const waiting = send(await url())
  t.equal(await code, 0)
  t.match(await waiting, /ECONNRESET|hang up/)
})

tap.test('an interrupt prints the totals and ends with 0', async (t) => {
  const before = process.listenerCount('SIGINT')
  const { lines, code, url } = run({})
  await send(await url(), 'one')
  process.emit('SIGINT')
  t.equal(await code, 0)
  t.equal(lines.at(-1), '1 request, 1 message, 0 repeats')
  t.equal(process.listenerCount('SIGINT'), before)
})

tap.test('when nobody reads its output any more, it ends', async (t) => {
  const left = new Error('reader left')
  const lines: string[] = []
  const print = async (line: string) => {
    if (lines.push(line) > 1) throw left
  }
  const running = runSink({ port: '0' }, { clock: systemClock, print })
  while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const waiting = send(String(/http:\S+/.exec(lines[0] ?? '')?.[0]))
  await t.rejects(running, left)
  await waiting
})

tap.test('a port in use says so, with what to do', async (t) => {
  const sink = await startSink({ port: 0 })
  t.teardown(() => sink.close())
  await t.rejects(run({ port: String(sink.port) }).code, {
    code: 'unavailable',
    message: `127.0.0.1 port ${sink.port}: already in use`,
    hint: /msgq sink 0/,
  })
  await t.rejects(run({ bind: '256.0.0.1' }).code, { code: 'unavailable' })
})

tap.test('it listens where it is told', async (t) => {
  const sink = await startSink({ port: 0, bind: '127.0.0.2' })
  t.teardown(() => sink.close())
  t.match(sink.url, /^http:\/\/127\.0\.0\.2:\d+$/)
  t.match(await send(sink.url), { status: 200 })
})

tap.test('what makes no sense on the command line is refused', async (t) => {
  await usage(t, { port: '70000' }, /^PORT: is no number from 0 to 65535: "70000"$/)
  await usage(t, { port: 'http' }, /^PORT: /)
  await usage(t, { port: '-1' }, /^PORT: /)
  await usage(t, { count: '0' }, /^--count: /)
  await usage(t, { slow: 'much' }, /^--slow: is no span of time: "much"$/)
  for (const answer of [
    '',
    '20',
    '199',
    '1000',
    '503:',
    '503:x',
    '200,',
    'timeouts',
    'a=200',
  ])
    await usage(t, { answer: [answer] }, /^--answer: is no answer: "/)
  await usage(t, { answer: ['200', '503'] }, /^--answer: is there twice$/)
  await usage(t, { answer: ['/a=200', '/a=503'] }, /^--answer: \/a is there twice$/)
})

tap.test('a script knows its answers by their kind', async (t) => {
  const script = parseScript(['503:30,timeout'])
  t.strictSame(script.next('/'), {
    kind: 'status',
    text: '503:30',
    status: 503,
    retryAfter: 30,
  })
  t.strictSame(script.next('/'), { kind: 'timeout', text: 'timeout' })
})

tap.test('with secrets it takes only what is signed by one of them', async (t) => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const sink = await startSink({ port: 0, secrets: [secret] })
  t.teardown(() => sink.close())
  const body = 'hello'
  const time = new Date()
  const signed = {
    'webhook-id': 'm1',
    'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('m1', time, body),
  }
  const post = async (text: string) =>
    (await fetch(sink.url, { method: 'POST', headers: signed, body: text })).status
  t.same([await post(body), await post('hullo')], [200, 401])
  t.same([sink.requests, sink.unsigned, sink.unique], [1, 1, 1])
})

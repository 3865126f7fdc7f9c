/**
 * server - a door and clients that mean no good: slow, deaf, garbling, many, or gone; and a stop
 * in the middle of it. Whoever comes next is answered.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { eventRoute } from '../../src/intake/event-route.ts'
import { messageRoutes } from '../../src/intake/message-routes.ts'
import { Refusal } from '../../src/intake/refusal.ts'
import { SCOPES } from '../../src/intake/caller.ts'
import type { Route } from '../../src/intake/router.ts'
import { sendRoute } from '../../src/intake/send-route.ts'
import { IntakeServer } from '../../src/intake/server.ts'
import type { ServerOptions } from '../../src/intake/server.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import type { Desk, Doorway, History } from '../../src/queue/queue.ts'
import { ask } from './ask.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const HEAD = 'POST /v1/messages?to=ops HTTP/1.1\r\nhost: x\r\n'
const LINES = { 'content-type': 'application/x-ndjson' }

interface Door {
  readonly server: IntakeServer
  readonly socket: string
  readonly trouble: unknown[]
  /** How many follow the journal now. */
  readonly followed: () => number
  readonly note: (line: JournalLine) => void
  /** What was taken. */
  readonly taken: Buffer[]
}

interface Given extends Partial<ServerOptions> {
  readonly submit?: Doorway['submit']
  readonly limit?: number
}

async function openDoor(t: Test, given: Given = {}, more: Route[] = []): Promise<Door> {
  const spool = mkdtempSync(join(tmpdir(), 'msgq-'))
  mkdirSync(join(spool, 'run'))
  const trouble: unknown[] = []
  const taken: Buffer[] = []
  const following = new Set<(line: JournalLine) => void>()
  const history: History = {
    mark: async () => ({ place: 0 }),
    async *history({ follow, matches }) {
      if (follow === undefined) return
      const lines: JournalLine[] = []
      let wake = () => {}
      const hear = (line: JournalLine) => {
        if (matches?.(line) !== false) lines.push(line)
        wake()
      }
      following.add(hear)
      follow.addEventListener('abort', () => wake())
      while (!follow.aborted) {
        yield* lines.splice(0)
        await new Promise<void>((resolve) => (wake = resolve))
      }
      following.delete(hear)
    },
  }
  const doorway: Doorway = {
    submit: async (submission) => {
      taken.push(Buffer.from(submission.body))
      return given.submit?.(submission) ?? { id: ID, isRepeat: false }
    },
    refusal: () => undefined,
    crowd: 0,
  }
  const terms = () => ({ messageSizeLimit: given.limit ?? 1_000_000, minFree: 0 })
  const server = new IntakeServer({
    routes: [
      sendRoute({ doorway, clock: systemClock, terms, incomingLimit: () => 1_000 }),
      eventRoute({ history }),
      ...more,
    ],
    callerOf: (door) => ({ door, scopes: SCOPES }),
    origins: () => [],
    onTrouble: (error) => trouble.push(error),
    connections: 100,
    timeout: 250,
    hold: 100_000,
    ...given,
  })
  await server.openSocket(spool, 'control')
  t.teardown(async () => {
    await server.close(0)
    rmSync(spool, { recursive: true, force: true })
  })
  const note = (line: JournalLine) => following.forEach((hear) => hear(line))
  const socket = join(spool, 'run/control.sock')
  return { server, socket, trouble, taken, note, followed: () => following.size }
}

/** Says something on a connection of its own; what is heard until the other side ends it. */
function talk(socket: string, ...words: string[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const line = connect(socket, async () => {
      for (const word of words) {
        line.write(word)
        await sleep(10)
      }
    })
    line.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    line.on('error', () => {})
    line.on('close', () => resolve(heard))
  })
}

async function until(t: Test, what: string, holds: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !holds(); n++) await sleep(10)
  t.ok(holds(), what)
}

const problemIn = (text: string) => JSON.parse(text.slice(text.indexOf('\r\n\r\n')))

t.test('who is slow is cut off, and told why', async (t) => {
  const { socket, taken, trouble } = await openDoor(t)
  // Who writes to a line that was closed a moment ago reads no answer: he stops in time.
  const drip = (first: string) => talk(socket, first, ...Array(5).fill('a'))
  const [headers, body, nothing] = await Promise.all([
    drip(`${HEAD}x-slow: `),
    drip(`${HEAD}content-length: 1000\r\n\r\n`),
    talk(socket),
  ])
  for (const heard of [headers, body]) {
    t.match(heard, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    t.match(problemIn(heard), { status: 408, code: 'timeout' })
  }
  t.match(nothing, /^(HTTP\/1\.1 408|$)/, 'and who says nothing at all')
  t.same(taken, [])
  t.same(trouble, [], 'which is no trouble of ours')
  t.equal((await ask(socket, '/v1/messages?to=ops', { body: 'x' })).status, 202)
})

t.test('garbage, and headers without end, have a problem for an answer', async (t) => {
  const { socket } = await openDoor(t)
  const cases: [text: string, status: number, code: string][] = [
    ['\x16\x03\x01\x02\r\n\r\n', 400, 'malformed'],
    ['GET /ü HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'malformed'],
    [`${HEAD}x-a: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'too-large'],
    [`${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400, 'malformed'],
  ]
  for (const [text, status, code] of cases)
    t.match(problemIn(await talk(socket, text)), { status, code })
  for (const query of ['key=%ff', 'key=100%', 'key=%c3'])
    t.match(await ask(socket, `/v1/messages?to=ops&${query}`, { body: 'x' }), {
      status: 400,
      json: { code: 'malformed', hint: /%25/ },
    })
})

t.test('who does not read is cut off', async (t) => {
  const big: Route = {
    method: 'GET',
    path: '/big',
    scopes: [],
    answer: () => ({ status: 200, json: 'x'.repeat(8_000_000) }),
  }
  const endless: Route = {
    method: 'GET',
    path: '/endless',
    scopes: [],
    answer: () => ({
      status: 200,
      contentType: 'text/plain',
      stream: async (write) => {
        for (;;) await write('x'.repeat(100_000))
      },
    }),
  }
  const { socket, trouble } = await openDoor(t, {}, [big, endless])
  for (const path of ['/big', '/endless'])
    await new Promise<void>((resolve) => {
      const line = connect(socket, () => {
        line.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
        line.pause()
        // To read on is how a client learns that it is over.
        setTimeout(() => line.resume(), 600)
      })
      line.on('error', () => {})
      line.on('close', () => resolve())
    })
  t.same(trouble, [])
})

t.test('a stream that is not read or not wanted takes no place for ever', async (t) => {
  const { socket, followed } = await openDoor(t)
  for (let n = 0; n < 70; n++) {
    const head = await ask(socket, '/v1/events', { method: 'HEAD' })
    if (head.status !== 200) return t.equal(head.status, 200)
  }
  // Requests one behind the other: of the second nobody hears that its client is gone.
  for (let n = 0; n < 70; n += 2) {
    const line = connect(socket)
    line.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2))
    await new Promise((resolve) => line.once('data', resolve))
    line.destroy()
  }
  await until(t, 'nobody follows the journal', () => followed() === 0)
  const last = talk(socket, 'GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(t, 'the next one has its place', () => followed() === 1)
  void last
})

t.test('all streams follow the journal once, each with its own selection', async (t) => {
  const { socket, followed, note, server } = await openDoor(t)
  const listen = (query: string) =>
    talk(socket, `GET /v1/events${query} HTTP/1.1\r\nhost: x\r\n\r\n`)
  const streams = [listen(''), listen('?to=ops'), listen('?to=crm'), listen(`?id=${ID}`)]
  await until(t, 'they follow', () => followed() === 1)
  // Each has been told that it is open.
  await sleep(50)
  const at = '2026-11-20T10:00:00.000Z'
  note({ at, event: 'delivered', id: ID, lane: 'ops~0a0a0a0a', try: 1 })
  note({ at, event: 'bounced', id: ID.replace('1P', '1Q'), lane: 'crm', try: 1 })
  t.equal(followed(), 1, 'once')
  await sleep(50)
  await server.close(1_000)
  const heard = (await Promise.all(streams)).map((text) => text.match(/event: \w+/g))
  t.strictSame(heard, [
    ['event: delivered', 'event: bounced'],
    ['event: delivered'],
    ['event: bounced'],
    ['event: delivered'],
  ])
  t.equal(followed(), 0)
})

t.test(
  'who does not keep up with the events loses his stream, and nobody else',
  async (t) => {
    const { socket, followed, note, trouble } = await openDoor(t, { timeout: 20_000 })
    const get = 'GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n'
    let heard = 0
    let rest = ''
    const good = connect(socket).on('data', (chunk: Buffer) => {
      const pieces = (rest + chunk.toString()).split('event: ')
      heard += pieces.length - 1
      rest = pieces.at(-1)!.slice(-6)
    })
    const slow = connect(socket)
    const ended = new Promise((resolve) => slow.once('close', resolve))
    for (const line of [good, slow]) line.on('error', () => {}).write(get)
    await new Promise((resolve) => slow.once('data', resolve))
    slow.pause()
    await until(t, 'both follow', () => followed() === 1)
    await sleep(50)
    const reason = 'x'.repeat(300)
    const at = '2026-11-20T10:00:00.000Z'
    for (let n = 0; n < 20_000; n++) {
      note({ at, event: 'deferred', id: ID, lane: 'ops', try: n, reason })
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(t, 'one has heard all', () => heard === 20_000)
    slow.resume()
    await ended
    t.equal(followed(), 1, 'the other one still listens')
    t.same(trouble, [])
    good.destroy()
  },
)

t.test('a stream ends with the rights of who opened it', async (t) => {
  let isKnown = true
  const { socket, followed } = await openDoor(t, {
    callerOf: (door) => {
      if (!isKnown) throw new Refusal(401, 'token-unknown', 'token: is not known')
      return { door, token: 'screen', scopes: SCOPES }
    },
  })
  const stream = talk(socket, 'GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(t, 'it follows', () => followed() === 1)
  isKnown = false
  t.match(await stream, /retry: 1000/)
  await until(t, 'and does no more', () => followed() === 0)
})

t.test('a body without a length is refused as soon as it is too long', async (t) => {
  const { socket, taken } = await openDoor(t, { limit: 100_000 })
  const chunk = `${(60_000).toString(16)}\r\n${'x'.repeat(60_000)}\r\n`
  const heard = await talk(
    socket,
    `${HEAD}transfer-encoding: chunked\r\n\r\n`,
    chunk,
    chunk,
  )
  t.match(problemIn(heard), { status: 413, code: 'too-large' })
  t.same(taken, [])
})

t.test('what is announced and not sent keeps nobody out', async (t) => {
  const { socket } = await openDoor(t, { timeout: 2_000 })
  const lazy = Array.from({ length: 4 }, () => {
    const line = connect(socket)
    line.write(`${HEAD}content-length: 90000\r\n\r\n`)
    return line
  })
  await sleep(30)
  const big = { body: 'x'.repeat(90_000) }
  t.equal((await ask(socket, '/v1/messages?to=ops', big)).status, 202)
  // Now they send, and are many.
  for (const line of lazy) line.write('x'.repeat(89_999))
  for (let n = 0; n < 100; n++) {
    const { status } = await ask(socket, '/v1/messages?to=ops', {
      body: 'x'.repeat(180_000),
    })
    if (status === 429) break
    await sleep(10)
  }
  const huge = { body: 'x'.repeat(180_000) }
  t.match(await ask(socket, '/v1/messages?to=ops', huge), {
    status: 429,
    headers: { 'retry-after': '1' },
    json: { code: 'crowded' },
  })
  t.equal(
    (await ask(socket, '/v1/messages?to=ops', { body: 'x' })).status,
    202,
    'a small one',
  )
  const line = JSON.stringify({ to: 'ops', body: 'x'.repeat(180_000) })
  const lines = await ask(socket, '/v1/messages', {
    body: `${line}\n{"to":"ops","body":"y"}\n`,
    headers: LINES,
  })
  t.match(
    lines.text
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text)),
    [
      { line: 1, status: 429 },
      { line: 2, status: 202 },
    ],
    'lines are held to it too',
  )
  for (const each of lazy) each.destroy()
  await until(t, 'they are gone', () => lazy.every((each) => each.closed))
  await sleep(20)
  t.equal(
    (await ask(socket, '/v1/messages?to=ops', huge)).status,
    202,
    'there is room again',
  )
})

t.test(
  'of requests one behind the other a few are under way, and all are answered',
  async (t) => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const { socket, taken } = await openDoor(t, {
      timeout: 20_000,
      submit: async () => {
        await gate
        return { id: ID, isRepeat: false }
      },
    })
    const many = 300
    const one = `${HEAD}content-length: 50000\r\n\r\n${'x'.repeat(50_000)}`
    let heard = ''
    const line = connect(socket)
    line.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    line.write(one.repeat(many))
    await until(t, 'some are taken', () => taken.length > 0)
    await sleep(300)
    t.equal(taken.length, 16, 'no more of them are in memory')
    open()
    const answers = () => heard.match(/HTTP\/1\.1 (202|429) /g) ?? []
    await until(t, 'all are answered', () => answers().length === many)
    t.ok(heard.match(/ 202 /g)!.length >= 16)
    line.destroy()
  },
)

t.test('lines are answered to who sends them all before he reads', async (t) => {
  const { socket, taken } = await openDoor(t, { timeout: 20_000, hold: 64 * 1024 * 1024 })
  const many = 16_000
  const line = `${JSON.stringify({ to: 'ops', body: '' })}\n`
  const heard = await new Promise<string>((resolve) => {
    const client = connect(socket)
    const chunks: Buffer[] = []
    client.pause()
    const head = `POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${many * line.length}\r\n\r\n`
    client.write(head + line.repeat(many), () => client.resume())
    client.on('data', (chunk) => chunks.push(chunk))
    client.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
  t.equal(heard.match(/"status":202/g)?.length, many)
  t.equal(taken.length, many)
})

t.test('who asks for messages waits for his turn, and at his own door', async (t) => {
  const looks = { now: 0, most: 0, all: 0 }
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  const desk = {
    get: async () => {
      looks.all++
      looks.most = Math.max(looks.most, ++looks.now)
      await gate
      looks.now--
      return undefined
    },
    firstOf: async () => undefined,
    async *history() {},
  } as unknown as Desk
  const { socket, server, trouble } = await openDoor(
    t,
    { timeout: 20_000 },
    messageRoutes({ desk, clock: systemClock }),
  )
  const path = `/v1/messages/${ID}`
  const asked = Array.from({ length: 12 }, () => ask(socket, path))
  await until(t, 'some look', () => looks.now > 0)
  await sleep(50)
  t.equal(looks.now, 4, 'and no more of them')
  const line = connect(socket)
  line.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
  await sleep(20)
  line.destroy()
  await sleep(20)
  await server.openSocket(join(socket, '../..'), 'submit')
  const other = ask(join(socket, '../submit.sock'), path)
  await until(t, 'nobody waits for another door', () => looks.now === 5)
  open()
  for (const { status } of await Promise.all([...asked, other])) t.equal(status, 404)
  t.equal(looks.all, 13, 'who has gone has no turn')
  t.equal(looks.most, 5)
  t.same(trouble, [])
})

t.test('at a stop what is under way is answered, all of it', async (t) => {
  const big: Route = {
    method: 'GET',
    path: '/big',
    scopes: [],
    answer: async () => {
      await sleep(50)
      return { status: 200, json: 'x'.repeat(8_000_000) }
    },
  }
  let taken = 0
  const { socket, server } = await openDoor(
    t,
    {
      timeout: 5_000,
      submit: async () => {
        taken++
        await sleep(100)
        return { id: ID, isRepeat: false }
      },
    },
    [big],
  )
  const large = ask(socket, '/big')
  const line = `${JSON.stringify({ to: 'ops', body: 'x' })}\n`
  const lines = talk(
    socket,
    `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
    `${(3 * line.length).toString(16)}\r\n${line.repeat(3)}\r\n`,
  )
  await until(t, 'three are under way', () => taken === 3)
  const closed = server.close(4_000)
  t.equal((await large).json.length, 8_000_000)
  await closed
  t.equal((await lines).match(/"status":202/g)?.length, 3)
})

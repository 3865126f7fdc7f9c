/**
 * control - the socket answers whatever is asked of it, and only to whom it may.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import { Control } from './fake-control.ts'
import type { Routes } from './fake-control.ts'
import { socketPath } from '../../src/queue/open.ts'

const SOCKET = 'control.sock'

/** A spool whose paths are short, as they are in real life and not in a testdir. */
function shortSpool(t: Test): string {
  const spool = mkdtempSync(join(tmpdir(), 'msgq-'))
  t.teardown(() => rmSync(spool, { recursive: true, force: true }))
  mkdirSync(join(spool, 'run'))
  return spool
}

/** A control socket in a spool of its own. */
async function open(t: Test, routes: Routes = {}, spool = shortSpool(t)) {
  const control = await Control.open(spool, routes)
  t.teardown(() => control.close())
  return { control, spool, path: join(spool, 'run', SOCKET) }
}

interface Answered {
  readonly status: number
  readonly type: string | undefined
  readonly body: unknown
}

/** Asks once, on a connection of its own. */
function ask(
  path: string,
  method: string,
  url: string,
  body?: string | Buffer,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, method, path: url, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        const said = Buffer.concat(chunks).toString()
        resolve({ status, type: headers['content-type'], body: JSON.parse(said) })
      })
    })
    asked.end(body)
  })
}

t.test('a route gets the JSON body, and its answer is JSON', async (t) => {
  const { path } = await open(t, {
    'GET /v1/status': (body) => ({ status: 200, body: { asked: body === undefined } }),
    'POST /v1/flush': async (body) => ({ status: 202, body: { body } }),
  })
  t.strictSame(await ask(path, 'GET', '/v1/status'), {
    status: 200,
    type: 'application/json',
    body: { asked: true },
  })
  t.strictSame(await ask(path, 'POST', '/v1/flush', '{"lanes":["crm","ü"]}'), {
    status: 202,
    type: 'application/json',
    body: { body: { lanes: ['crm', 'ü'] } },
  })
})

t.test('a path that is none is 404, a method that is none there 405', async (t) => {
  const { path } = await open(t, { 'GET /v1/status': () => ({ status: 200, body: {} }) })
  for (const [method, url, status] of [
    ['POST', '/v1/status', 405],
    ['GET', '/', 404],
    ['GET', '/v1/status/', 404],
    ['GET', '/constructor', 404],
  ] as const)
    t.strictSame(await ask(path, method, url), {
      status,
      type: 'application/problem+json',
      body: {
        type: 'about:blank',
        title: status === 404 ? 'Not Found' : 'Method Not Allowed',
        status,
        code: status === 404 ? 'not-found' : 'method',
        detail:
          status === 404
            ? `no such route: ${method} ${url}`
            : `${method} ${url}: there is GET, HEAD`,
      },
    })
})

t.test('a body that is no JSON is 400, and the route hears nothing of it', async (t) => {
  let asked = 0
  const { path } = await open(t, {
    'POST /v1/flush': () => {
      asked++
      return { status: 200, body: {} }
    },
  })
  for (const body of ['{"lanes":', 'lanes=crm', '\0'])
    t.match(await ask(path, 'POST', '/v1/flush', body), {
      status: 400,
      body: { code: 'malformed', detail: 'body: is no JSON' },
    })
  t.equal(asked, 0)
})

/** A JSON text of so many bytes. */
function text(bytes: number): string {
  return `"${'x'.repeat(bytes - 2)}"`
}

t.test('a body of 64 KiB is taken, one byte more is 413', async (t) => {
  const { path } = await open(t, {
    'POST /v1/flush': (body) => ({ status: 200, body: String(body).length }),
  })
  t.match(await ask(path, 'POST', '/v1/flush', text(65_536)), { status: 200, body: 65_534 })
  t.match(await ask(path, 'POST', '/v1/flush', text(65_537)), {
    status: 413,
    body: { code: 'too-large', detail: 'body: is over the limit of 64K' },
  })
  const much = await ask(path, 'POST', '/v1/flush', Buffer.alloc(8 * 1024 * 1024, 0x20))
  t.equal(much.status, 413, 'also where the answer comes long before the end')
})

t.test(
  'a route that goes wrong is 500 with its reason, and the next is answered',
  async (t) => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const { path } = await open(t, {
      'GET /throws': () => {
        throw Object.assign(new Error('x'), { code: 'ENOSPC' })
      },
      'GET /rejects': () => Promise.reject(new Error('out of luck')),
      'GET /circle': () => ({ status: 200, body: circle }),
      'GET /fine': () => ({ status: 200, body: 'fine' }),
    })
    t.match(await ask(path, 'GET', '/throws'), {
      status: 500,
      body: { detail: 'no space left on device' },
    })
    t.match(await ask(path, 'GET', '/rejects'), {
      status: 500,
      body: { detail: 'out of luck' },
    })
    t.match(await ask(path, 'GET', '/circle'), { status: 500 })
    t.match(await ask(path, 'GET', '/fine'), { status: 200, body: 'fine' })
  },
)

t.test('garbage, and a client that goes away, end nothing', async (t) => {
  const { path } = await open(t, { 'GET /fine': () => ({ status: 200, body: 'fine' }) })
  for (const bytes of [
    '\x16\x03\x01 no HTTP\r\n\r\n',
    'POST /fine HTTP/1.1\r\nhost: x\r\n',
  ])
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => {
        socket.write(bytes)
        setImmediate(() => socket.destroy())
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  t.match(await ask(path, 'GET', '/fine'), { status: 200 })
})

t.test('owner and group may open the socket, and nobody else', async (t) => {
  const before = process.umask()
  t.teardown(() => process.umask(before))
  for (const umask of [0o000, 0o022, 0o077]) {
    process.umask(umask)
    const { path } = await open(t)
    t.equal(statSync(path).mode & 0o7777, 0o660, `umask ${umask.toString(8)}`)
    t.equal(process.umask(), umask, 'the umask is as it was')
  }
})

t.test('the umask is ours only while the socket is made', async (t) => {
  const spool = shortSpool(t)
  const before = process.umask()
  const opening = Control.open(spool, {})
  t.equal(process.umask(), before, 'what others make meanwhile is not touched')
  await (await opening).close()
})

t.test('a socket that a dead daemon left is replaced', async (t) => {
  const spool = shortSpool(t)
  const path = join(spool, 'run', SOCKET)
  // A file as kill -9 leaves it: there, and nobody listens.
  const dead = createServer()
  await new Promise<void>((resolve) => dead.listen(`${path}.made`, resolve))
  renameSync(`${path}.made`, path)
  await new Promise((resolve) => dead.close(resolve))
  t.ok(statSync(path).isSocket())
  await open(t, { 'GET /fine': () => ({ status: 200, body: 'fine' }) }, spool)
  t.match(await ask(path, 'GET', '/fine'), { status: 200 })
})

t.test('a close removes the socket and cuts off who still waits', async (t) => {
  const { control, path } = await open(t, { 'GET /never': () => new Promise(() => {}) })
  const waiting = ask(path, 'GET', '/never').catch((error: unknown) => error)
  const idle = connect(path)
  idle.on('error', () => {})
  await new Promise((resolve) => idle.once('connect', resolve))
  await control.close()
  t.ok((await waiting) instanceof Error)
  t.notOk(existsSync(path))
})

t.test('a path that is longer than bind(2) takes works all the same', async (t) => {
  const spool = join(t.testdir(), 'deep'.repeat(20), 'deeper'.repeat(10))
  mkdirSync(join(spool, 'run'), { recursive: true })
  t.ok(Buffer.byteLength(join(spool, 'run', SOCKET)) > 107)
  const { control } = await open(
    t,
    { 'GET /fine': () => ({ status: 200, body: 'fine' }) },
    spool,
  )
  t.strictSame(readdirSync(join(spool, 'run')), [SOCKET], 'it lies where it belongs')
  t.equal(statSync(join(spool, 'run', SOCKET)).mode & 0o7777, 0o660)
  const { path, release } = socketPath(spool, SOCKET)
  t.match(await ask(path, 'GET', '/fine'), { status: 200, body: 'fine' })
  release()
  await control.close()
  t.strictSame(readdirSync(join(spool, 'run')), [], 'and a close removes it')
})

t.test('where no socket can be made an error says why', async (t) => {
  const missing = join(t.testdir(), 'none')
  await t.rejects(Control.open(missing, {}), {
    message: `${missing}/run/${SOCKET}: no such file or directory`,
  })
  const taken = t.testdir({ run: { [SOCKET]: { file: '' } } })
  writeFileSync(join(taken, 'run', SOCKET, 'file'), 'x')
  const error = await Control.open(taken, {}).catch((reason: unknown) => reason)
  t.ok(error instanceof MsgqError)
})

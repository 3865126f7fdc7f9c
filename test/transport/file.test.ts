/**
 * file - lines that are whole and durable, whatever stood in the file and whoever moves it.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import fc from 'fast-check'
import t from 'tap'

import type { FileDestination } from '../../src/config/config.ts'
import type { Body } from '../../src/message/body.ts'
import { seal } from '../../src/message/envelope.ts'
import { createFileTransport } from '../../src/transport/file.ts'
import { lineOf } from '../../src/transport/line.ts'
import { cannotMount, SmallDisk } from '../crash/small-disk.ts'
import { attemptOf, ID } from './support.ts'

function fileOf(path: string): FileDestination {
  return {
    name: 'events',
    type: 'file',
    path,
    retry: { min: 1, factor: 2, max: 10, jitter: 0, tries: 0, lifetime: 1000 },
    lane: { window: 20 },
    where: 'test',
  }
}

const open = new AbortController().signal
const transport = createFileTransport()
t.teardown(() => transport.close())

const append = (path: string, body?: Body | string, draft = {}) =>
  transport.deliver(attemptOf(fileOf(path), body, draft), open)

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

t.test('a message is a line, and the file is made', async (t) => {
  const path = join(t.testdir(), 'events.jsonl')
  const draft = { subject: 's', level: 'info', contentType: 'application/json' }
  t.same(await append(path, '{"a":1}', draft), {
    kind: 'delivered',
    reason: `appended to ${path}`,
  })
  t.equal(
    readFileSync(path, 'utf8'),
    `{"id":"${ID}","createdAt":"1970-01-01T00:00:00.000Z","to":"crm","subject":"s","level":"info","contentType":"application/json","body":{"a":1}}\n`,
  )
  t.equal(statSync(path).mode & 0o777 & ~0o640, 0)
  const stream: Body = {
    kind: 'stream',
    length: 2,
    open: () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
  }
  await append(path, stream)
  t.match(linesOf(path)[1], { body: 'ab' })
  await append(path, { ...stream, length: 3 })
  t.equal(linesOf(path).length, 2, 'a body that breaks off is not written')
})

t.test('a body is JSON by its type, else text, else base64; always one line', async (t) => {
  const bodyOf = (body: Uint8Array | string, contentType?: string) => {
    const bytes = Buffer.from(body)
    const draft = { to: 'x', ...(contentType === undefined ? {} : { contentType }) }
    const envelope = seal(draft, bytes, { id: ID, now: 0, sender: { uid: 0, user: 'ann' } })
    const line = lineOf(envelope, bytes).toString()
    t.match(line, /^[^\n\r]*\n$/)
    const { body: read, bodyBase64, user } = JSON.parse(line) as Record<string, unknown>
    t.equal(user, 'ann')
    return { line, read: bodyBase64 ?? read }
  }
  t.equal(bodyOf('{"a":1}').read, '{"a":1}')
  t.same(bodyOf('{"a":\r\n1}\n', 'application/json; charset=utf-8').read, { a: 1 })
  t.same(bodyOf('[1]', 'application/vnd.x+json').read, [1])
  t.equal(bodyOf('{"a":1', 'application/json').read, '{"a":1')
  t.match(bodyOf('{"n":12345678901234567890.10}', 'application/json').line, /890\.10}/)
  t.equal(bodyOf(new Uint8Array([0xff, 0]), 'application/json').read, '/wA=')
  t.equal(bodyOf('').read, undefined)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, json) => {
      const written = JSON.stringify(json, null, 2)
      t.same(bodyOf(text).read ?? '', Buffer.from(text).toString())
      t.strictSame(bodyOf(written, 'application/json').read, JSON.parse(written))
    }),
    { numRuns: 50 },
  )
})

t.test('a torn last line gets a newline first', async (t) => {
  const path = join(t.testdir({ a: '{"id":"torn' }), 'a')
  await append(path, 'x')
  const [torn, line] = readFileSync(path, 'utf8').split('\n')
  t.equal(torn, '{"id":"torn')
  t.match(JSON.parse(line!), { id: ID })
})

t.test('many at once are whole, each once, also beside another writer', async (t) => {
  const path = join(t.testdir(), 'a')
  const bodies = Array.from({ length: 200 }, (_, n) => `${n} ${'x'.repeat(n * 10)}`)
  const all = bodies.map((body, n) => {
    if (n % 50 === 0) appendFileSync(path, '{"body":"other"}\n')
    return append(path, body)
  })
  for (const { kind } of await Promise.all(all)) t.equal(kind, 'delivered')
  const read = linesOf(path).map(({ body }) => body)
  t.same(read.filter((body) => body !== 'other').toSorted(), bodies.toSorted())
})

t.test('a file that is rotated away or removed is followed by a new one', async (t) => {
  const path = join(t.testdir(), 'a')
  await append(path, '1')
  renameSync(path, `${path}.1`)
  await append(path, '2')
  rmSync(path)
  await append(path, '3')
  t.match(linesOf(`${path}.1`), [{ body: '1' }])
  t.match(linesOf(path), [{ body: '3' }])
})

t.test('what cannot be appended to waits for its operator', async (t) => {
  const dir = t.testdir({ real: '' })
  const why = async (name: string) => {
    const path = join(dir, name)
    const { kind, reason, ...more } = await append(path, 'x')
    t.same([kind, (more as { fault?: string }).fault], ['deferred', 'configuration'])
    t.ok(reason.startsWith(`cannot be appended to ${path}: `), reason)
    return reason.slice(`cannot be appended to ${path}: `.length)
  }
  t.equal(await why('none/a'), 'its directory is missing')
  symlinkSync('real', join(dir, 'link'))
  t.equal(await why('link'), 'is a symbolic link')
  t.equal(readFileSync(join(dir, 'real'), 'utf8'), '')
  mkdirSync(join(dir, 'folder'))
  t.equal(await why('folder'), 'not a regular file')
  writeFileSync(join(dir, 'file'), '')
  t.equal(await why('file/a'), 'not a directory')
  t.notOk(existsSync(join(dir, 'none')))
})

t.test('a full disk leaves no half line', { skip: cannotMount() }, async (t) => {
  const below = mkdtempSync(join(tmpdir(), 'msgq-'))
  const disk = SmallDisk.mount(below)
  t.teardown(() => {
    disk.unmount()
    rmSync(below, { recursive: true })
  })
  const path = join(disk.root, 'a')
  await append(path, 'first')
  disk.fill(8192)
  const outcome = await append(path, 'x'.repeat(50_000))
  t.match(outcome, {
    kind: 'deferred',
    fault: 'receiver',
    reason: /no space left on device$/,
  })
  t.match(linesOf(path), [{ body: 'first' }])
  t.match(await append(path, 'small'), { kind: 'delivered' })
  t.match(linesOf(path), [{ body: 'first' }, { body: 'small' }])
})

t.test('a daemon that stops writes nothing more', async (t) => {
  const path = join(t.testdir(), 'a')
  const stopped = await transport.deliver(attemptOf(fileOf(path)), AbortSignal.abort())
  t.match(stopped, { kind: 'deferred', uncharged: true })
  t.notOk(existsSync(path))
})

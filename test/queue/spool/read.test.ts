import { deepStrictEqual, ok } from 'node:assert'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import { NewerFormatError } from '../../../src/message/envelope.ts'
import {
  Defect,
  EDGE,
  Unsealed,
  WHOLE,
  bodyOf,
  isUnsealed,
  openPlain,
  readEnvelope,
  readMessage,
  readTail,
} from '../../../src/queue/spool/read.ts'
import { readStory } from '../../../src/queue/spool/story.ts'
import { NEEDS_ROOT, asPlainUser, sealed } from './yard.ts'

function fileIn(t: Test, content: string | Uint8Array): string {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, content)
  return path
}

const thrown = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error
  }
}

async function allOf(path: string): Promise<Buffer> {
  const body = await bodyOf(path, readMessage(path))
  if (body.kind === 'bytes') return Buffer.from(body.bytes)
  const chunks: Buffer[] = []
  for await (const chunk of body.open()) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

void t.test('a message reads as it was sealed', async (t) => {
  const path = join(t.testdir(), 'file')
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (body) => {
    const { bytes, id } = sealed({ body })
    writeFileSync(path, bytes)
    const message = readMessage(path)
    deepStrictEqual(message.envelope.id, id)
    deepStrictEqual(message.trail, [])
    ok((await allOf(path)).equals(Buffer.from(body)))
  })
  await t.resolves(fc.assert(property, { numRuns: 200 }))
})

void t.test(
  'bodies around the sizes where the reading changes come back whole',
  async (t) => {
    const path = join(t.testdir(), 'file')
    for (const size of [
      0,
      1,
      WHOLE - 1,
      WHOLE,
      WHOLE + 1,
      WHOLE + EDGE,
      WHOLE + 2 * EDGE,
      3 * WHOLE,
    ]) {
      const body = Buffer.alloc(size, 'abc\n')
      const at = '2026-11-20T10:00:00.000Z'
      writeFileSync(path, sealed({ body, trail: `{"at":"${at}","act":"flushed"}\n` }).bytes)
      const message = readMessage(path)
      t.equal(message.body === undefined, size > WHOLE, `${size}: what is long is streamed`)
      t.match(message.trail, [{ act: 'flushed' }])
      t.ok((await allOf(path)).equals(body), `${size}`)
    }
  },
)

void t.test(
  'cut anywhere or with one byte changed: the same body, or a defect',
  async (t) => {
    const path = join(t.testdir(), 'file')
    const body = Buffer.from('a body\nof two lines')
    const trail = '{"at":"2026-11-20T10:00:00.000Z","act":"flushed"}\n'
    const { bytes } = sealed({ body, trail, draft: { to: 'ops', subject: 'Grüße' } })
    const check = async (damaged: Buffer) => {
      writeFileSync(path, damaged)
      try {
        ok((await allOf(path)).equals(body), 'never another body')
      } catch (error) {
        const known =
          error instanceof Defect ||
          error instanceof Unsealed ||
          error instanceof NewerFormatError
        ok(known, String(error))
      }
    }
    for (let length = 0; length < bytes.length; length++)
      await check(bytes.subarray(0, length))
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
    const property = fc.asyncProperty(change, async ([at, mask]) => {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= mask
      await check(damaged)
    })
    await t.resolves(fc.assert(property, { numRuns: 1_000 }))
  },
)

void t.test('a long body that was changed is found when it is asked for', async (t) => {
  const { bytes } = sealed({ body: Buffer.alloc(3 * WHOLE, 'x') })
  bytes[2 * WHOLE]! ^= 1
  const path = fileIn(t, bytes)
  const message = readMessage(path)
  await t.rejects(bodyOf(path, message), { message: 'its body is not the one sealed' })
})

void t.test('what is no message says why', async (t) => {
  const { bytes } = sealed({ body: 'body' })
  const line = bytes.subarray(0, bytes.indexOf(0x0a)).toString()
  const changed = (change: object) =>
    `${JSON.stringify({ ...(JSON.parse(line) as object), ...change })}\nbody\n`
  const cases: [string | Uint8Array, string][] = [
    ['', 'has no envelope line'],
    ['no line end', 'has no envelope line'],
    ['not json\n', 'envelope: line 1 is no JSON'],
    ['[1]\n', 'envelope: line 1 is no JSON object'],
    ['null\n', 'envelope: line 1 is no JSON object'],
    [`${'x'.repeat(EDGE)}\n`, 'its first line is longer than 64K'],
    [Buffer.from('{"v":1,"id":"\xff"}\n', 'latin1'), 'its first line is not UTF-8'],
    [bytes.subarray(0, -3), 'is cut short: 2 of 4 bytes of body, and a newline'],
    [bytes.subarray(0, -1), 'is cut short: 4 of 4 bytes of body, and a newline'],
    [
      Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]),
      'its body does not end in a newline',
    ],
    [changed({ bytes: 3 }), 'its body does not end in a newline'],
    [changed({ sha256: '0'.repeat(64) }), 'its body is not the one sealed'],
    [changed({ bytes: -1 }), 'envelope: bytes is no length'],
    [changed({ bytes: 1e300 }), 'envelope: bytes is no length'],
    [changed({ id: 'x' }), 'envelope: id is no id'],
    [changed({ v: 0 }), 'envelope: v is not 1'],
    [changed({ v: '2' }), 'envelope: v is not 1'],
  ]
  for (const [content, why] of cases) {
    const error = thrown(() => readMessage(fileIn(t, content)))
    t.ok(error instanceof Defect, why)
    t.equal((error as Error).message, why)
  }
})

void t.test(
  'what may still grow into a message is told from what never will',
  async (t) => {
    const { bytes } = sealed({ body: 'body' })
    const cut = (content: string | Uint8Array) =>
      (thrown(() => readMessage(fileIn(t, content))) as Defect).cut
    t.equal(cut(''), true)
    t.equal(cut('{"v":1'), true)
    t.equal(cut(bytes.subarray(0, -3)), true)
    t.equal(cut('not json\n'), false)
    t.equal(cut('x'.repeat(EDGE)), false)
  },
)

void t.test(
  'what has no `v` was never sealed; what has a later one is not judged',
  async (t) => {
    const byHand = fileIn(t, '{"to":"crm","bytes":4}\nbody')
    t.ok(thrown(() => readMessage(byHand)) instanceof Unsealed)
    t.equal(isUnsealed(byHand), true)
    const newer = fileIn(t, '{"v":2,"nothing":"else is known"}\n')
    t.ok(thrown(() => readMessage(newer)) instanceof NewerFormatError)
    t.equal(isUnsealed(newer), false)
    t.equal(isUnsealed(fileIn(t, 'garbage')), false)
  },
)

void t.test('the envelope is read without the body, however long that is', async (t) => {
  const { bytes, id } = sealed({ body: Buffer.alloc(2 * WHOLE) })
  bytes[WHOLE]! ^= 1
  t.equal(readEnvelope(fileIn(t, bytes)).id, id)
})

const line = (n: number) =>
  `{"at":"2026-11-20T10:00:00.000Z","act":"flushed","reason":"${n}"}\n`

void t.test('a trail is read from its end, and torn lines are passed over', async (t) => {
  const many = Array.from({ length: 3_000 }, (_, n) => line(n)).join('')
  const { trail } = readMessage(
    fileIn(t, sealed({ trail: `${many}{"at":"2026-\n${line(3_000)}` }).bytes),
  )
  t.match(trail.at(-1), { reason: '3000' })
  t.match(trail.at(-2), { reason: '2999' })
  t.ok(trail.length > 500 && trail.length < 1_500, `${trail.length} of them: 64 KiB`)
})

void t.test(
  'only regular files are opened; nothing is followed, nothing waits',
  async (t) => {
    const folder = t.testdir({ dir: {}, file: 'x' })
    const path = (name: string) => join(folder, name)
    symlinkSync('file', path('link'))
    symlinkSync('nowhere', path('dangling'))
    execFileSync('mkfifo', [path('fifo')])
    const kinds: [string, string][] = [
      ['link', 'is a symbolic link, not a file'],
      ['dangling', 'is a symbolic link, not a file'],
      ['dir', 'is a directory, not a file'],
      ['fifo', 'is a FIFO, not a file'],
    ]
    for (const [name, why] of kinds)
      for (const read of [openPlain, readMessage, readEnvelope, readTail])
        t.match(
          thrown(() => read(path(name))),
          { message: why },
          `${read.name} of a ${name}`,
        )
    t.match(
      thrown(() => openPlain(path('none'))),
      { code: 'ENOENT' },
    )
  },
)

void t.test('a socket is not even knocked at', async (t) => {
  const path = join(t.testdir(), 's')
  if (Buffer.byteLength(path) > 100)
    return t.pass('socket', { skip: 'the path is too long' })
  const server = createServer(() => t.fail('somebody connected')).listen(path)
  await once(server, 'listening')
  t.match(
    thrown(() => openPlain(path)),
    { message: 'is a socket, not a file' },
  )
  server.close()
})

void t.test('a device is not opened', { skip: NEEDS_ROOT }, async (t) => {
  const path = join(t.testdir(), 'device')
  if (spawnSync('mknod', [path, 'c', '1', '3']).status !== 0)
    return t.pass('device', { skip: 'no device can be made here' })
  t.match(
    thrown(() => openPlain(path)),
    { message: 'is a device, not a file' },
  )
  rmSync(path)
})

void t.test(
  'a story that cannot be read says so; what is no message has none',
  async (t) => {
    const root = t.testdir({ folder: {} })
    const file = join(root, 'message')
    writeFileSync(file, sealed().bytes)
    await asPlainUser(root, async () => {
      t.match(readStory(file), { envelope: { to: 'ops' }, trail: [], unread: undefined })
      chmodSync(file, 0)
      t.strictSame(readStory(file), { trail: [], unread: true })
      t.strictSame(readStory(join(root, 'folder')), { trail: [] })
      t.throws(() => readStory(join(root, 'gone')), { code: 'ENOENT' })
    })
  },
)

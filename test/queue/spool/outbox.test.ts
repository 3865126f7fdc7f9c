import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../../src/base/clock.ts'
import type { Draft } from '../../../src/message/draft.ts'
import { sha256 } from '../../../src/message/envelope.ts'
import { parseName } from '../../../src/queue/spool/name.ts'
import { SpoolOutbox } from '../../../src/queue/spool/outbox.ts'
import type { OutboxOptions } from '../../../src/queue/spool/outbox.ts'
import { readMessage } from '../../../src/queue/spool/read.ts'
import { NO_PRLIMIT, smallDisk, withFileLimit } from './limits.ts'
import { NEEDS_ROOT, asPlainUser } from './yard.ts'

const MIB = 1024 * 1024
const SENDER = { uid: process.getuid!() }

class Door {
  readonly root: string
  readonly outbox: SpoolOutbox

  constructor(root: string, options: Partial<OutboxOptions> = {}) {
    this.root = root
    const usual = { clock: systemClock, create: true, anyFilesystem: true }
    this.outbox = new SpoolOutbox(root, { ...usual, ...options })
  }

  static in(t: Test, options: Partial<OutboxOptions> = {}): Door {
    return new Door(join(t.testdir(), 'spool'), options)
  }

  send(body: string | Uint8Array = 'body', draft: Draft = { to: 'ops' }): Promise<string> {
    return this.outbox.enqueue({ draft, body: Buffer.from(body), sender: SENDER })
  }

  /** Everything in incoming/, staged files too. */
  files(): string[] {
    return readdirSync(join(this.root, 'incoming'))
  }
}

void t.test('a message is one file, whose name is its schedule', async (t) => {
  const door = Door.in(t)
  const before = Date.now()
  const id = await door.send('body')
  const [file, ...others] = door.files()
  t.strictSame(others, [])
  const name = parseName(file!)
  t.match(name, { id, tries: 0, lane: 'ops' })
  t.ok(name!.due >= before && name!.due <= Date.now())
  const path = join(door.root, 'incoming', file!)
  const [line, body, ...rest] = readFileSync(path, 'utf8').split('\n')
  t.match(JSON.parse(line!), {
    v: 1,
    id,
    to: 'ops',
    bytes: 4,
    sha256: sha256(Buffer.from('body')),
  })
  t.strictSame([body, ...rest], ['body', ''])
  t.equal(statSync(path).mode & 0o777, 0o640)
  t.equal(readMessage(path).envelope.id, id)
})

void t.test('a message with a time of its own is named for it', async (t) => {
  const door = Door.in(t)
  await door.send('', { to: 'https://x.example/', notBefore: '2999-01-01T00:00:00Z' })
  t.match(parseName(door.files()[0]!), {
    due: Date.parse('2999-01-01T00:00:00Z'),
    lane: '=x.example_443',
  })
})

void t.test('a message over the limit is refused before anything is written', async (t) => {
  const door = Door.in(t, { messageSizeLimit: 10 })
  await door.send('x'.repeat(10))
  await t.rejects(door.send('x'.repeat(11)), {
    code: 'data',
    exitCode: 65,
    message: 'message: 11 is over the limit of 10',
    hint: /message_size_limit/,
  })
  t.equal(door.files().length, 1)
})

void t.test('too little room is refused before anything is written', async (t) => {
  const door = Door.in(t, { minFree: 2 ** 60 })
  await t.rejects(door.send(), {
    code: 'temporary',
    exitCode: 75,
    message: /^spool: .* free, less than min_free \(\d+T\) and the message \(4\) need$/,
    hint: /nothing was queued/,
  })
  t.strictSame(door.files(), [])
})

void t.test('headers that do not fit the first line are refused', async (t) => {
  const door = Door.in(t)
  const headers = { 'x-long': 'x'.repeat(64 * 1024) }
  await t.rejects(door.send('', { to: 'ops', headers }), {
    exitCode: 65,
    message: /headers take/,
  })
  t.strictSame(door.files(), [])
  await t.resolves(
    door.send('', { to: 'ops', headers: { 'x-long': 'x'.repeat(60 * 1024) } }),
  )
})

void t.test('a file system that we refuse is refused at each message', async (t) => {
  const root = join(t.testdir(), 'node_modules', 'spool')
  const door = new Door(root, { anyFilesystem: false })
  await t.rejects(door.send(), { exitCode: 78, message: /node_modules/ })
  t.strictSame(door.files(), [])
})

void t.test('a spool that is missing is made only where it may be', async (t) => {
  const root = join(t.testdir(), 'spool')
  t.throws(() => new Door(root, { create: false }), { code: 'cannot-create', exitCode: 73 })
  t.notOk(existsSync(root))
  const door = new Door(root)
  rmSync(root, { recursive: true })
  await t.rejects(
    door.send(),
    { code: 'cannot-create', exitCode: 73 },
    'nor is it made behind our back',
  )
  t.notOk(existsSync(root))
})

void t.test(
  'a file that may not grow is an error, and nothing is left',
  { skip: NO_PRLIMIT },
  async (t) => {
    const door = Door.in(t)
    await withFileLimit(64 * 1024, async () => {
      await t.rejects(door.send(Buffer.alloc(MIB)), {
        code: 'temporary',
        exitCode: 75,
        message: /^spool: .*: file too large$/,
        hint: /ulimit -f/,
      })
      await t.resolves(door.send('small'))
    })
    t.equal(door.files().length, 1)
  },
)

void t.test('a full disk is an error, and nothing is left', async (t) => {
  const disk = smallDisk(t)
  if (disk === undefined) return t.pass('no disk', { skip: 'cannot mount a disk here' })
  const door = new Door(join(disk, 'spool'), { anyFilesystem: false })
  // All at once: each still sees room enough when it begins.
  const sends = Array.from({ length: 12 }, () => door.send(Buffer.alloc(MIB)))
  const ends = await Promise.allSettled(sends)
  const refused = ends.filter((end) => end.status === 'rejected')
  t.ok(refused.length > 0 && refused.length < ends.length, `${refused.length} refused`)
  for (const { reason } of refused)
    t.match(reason, {
      exitCode: 75,
      message: /no space left on device$/,
      hint: /free some space/,
    })
  t.equal(door.files().length, ends.length - refused.length)
  for (const file of door.files())
    t.equal(readMessage(join(door.root, 'incoming', file)).envelope.bytes, MIB, 'whole')
  await t.rejects(door.send(Buffer.alloc(MIB)), {
    exitCode: 75,
    message: /less than min_free \(0\) and the message \(1\.0M\) need$/,
  })
})

void t.test('a door that is closed is 77, and nothing is left', async (t) => {
  const door = Door.in(t)
  await asPlainUser(door.root, async () => {
    chmodSync(join(door.root, 'incoming'), 0o500)
    await t.rejects(door.send(), { exitCode: 77, message: /permission denied$/ })
    t.strictSame(door.files(), [])
    chmodSync(join(door.root, 'incoming'), 0o700)
    await t.resolves(door.send())
  })
})

void t.test('who may drop but not look can send', { skip: NEEDS_ROOT }, async (t) => {
  const door = Door.in(t)
  chmodSync(door.root, 0o711)
  chmodSync(join(door.root, 'incoming'), 0o3733)
  process.seteuid!(65_534)
  const sent = await door.send().finally(() => process.seteuid!(0))
  t.equal(parseName(door.files()[0]!)?.id, sent)
  t.equal(statSync(join(door.root, 'incoming', door.files()[0]!)).uid, 65_534)
})

void t.test('ringing a bell that nobody may ring does not fail the message', async (t) => {
  const door = Door.in(t)
  mkdirSync(join(door.root, 'run', 'wake'))
  await t.resolves(door.send())
  rmSync(join(door.root, 'run'), { recursive: true })
  await t.resolves(door.send())
})

void t.test('a bad draft is refused before anything is written', async (t) => {
  const door = Door.in(t)
  for (const draft of [
    { to: 'ops', headers: { 'x-a': 'b\nc: d' } },
    { to: 'ops', headers: { 'x a': 'b' } },
    { to: 'https://x.example/\u0007' },
    { to: 'https://user:secret@x.example/' },
    {},
  ] as Draft[])
    await t.rejects(
      door.send('', draft),
      { code: 'data', exitCode: 65 },
      JSON.stringify(draft),
    )
  t.strictSame(door.files(), [])
})

void t.test('a disk that is mounted read-only is 75', async (t) => {
  const disk = smallDisk(t)
  if (disk === undefined) return t.pass('no disk', { skip: 'cannot mount a disk here' })
  const door = new Door(join(disk, 'spool'))
  t.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0)
  await t.rejects(door.send(), {
    exitCode: 75,
    message: /read-only file system$/,
    hint: /mount it for writing/,
  })
  t.strictSame(door.files(), [])
  t.throws(() => new Door(join(disk, 'other')), { code: 'temporary', exitCode: 75 })
})

t.test(
  'under an id that was given what a killed daemon staged is not in the way',
  async (t) => {
    const door = Door.in(t)
    const first = await door.send()
    const id = `${first.slice(0, -1)}${first.endsWith('0') ? '1' : '0'}`
    writeFileSync(join(door.root, 'incoming', `.${id}`), 'half of it')
    const draft = { to: 'ops' }
    t.equal(
      await door.outbox.enqueue({ draft, body: Buffer.from('x'), sender: SENDER, id }),
      id,
    )
    const names = readdirSync(join(door.root, 'incoming')).map(
      (name) => parseName(name)?.id,
    )
    t.ok(names.includes(id))
  },
)

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  statfsSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Layout, cannotUse, survey } from '../../../src/queue/spool/layout.ts'
import { asPlainUser } from './yard.ts'

const FOLDERS = [
  'active',
  'bounce',
  'corrupt',
  'deferred',
  'hold',
  'incoming',
  'keys',
  'log',
  'run',
  'suspended',
]

void t.test('makes the folders that are missing, closed to strangers', async (t) => {
  const root = join(t.testdir(), 'deep', 'spool')
  const layout = new Layout(root)
  layout.makeRoot()
  layout.make()
  t.strictSame(readdirSync(root).toSorted(), FOLDERS)
  for (const folder of ['', ...FOLDERS])
    t.equal(statSync(join(root, folder)).mode & 0o007, 0, folder)
  rmSync(join(root, 'hold'), { recursive: true })
  layout.makeRoot()
  layout.make()
  layout.check()
  t.ok(existsSync(join(root, 'hold')), 'again, where only one is missing')
})

void t.test('a spool that is not there says where, and what to do', async (t) => {
  const root = join(t.testdir(), 'none')
  const error = { code: 'cannot-create', exitCode: 73, hint: /msgqd makes it.*--spool/ }
  t.throws(() => new Layout(root).check(), {
    ...error,
    message: /^spool: .*none is not there/,
  })
  mkdirSync(root)
  t.throws(() => new Layout(root).check(), {
    ...error,
    message: /not a spool \(no incoming\/\)/,
  })
  t.throws(() => new Layout(join(root, 'x', 'y')).make(), {
    code: 'cannot-create',
    exitCode: 73,
  })
})

void t.test('a file in the place of a folder is told from a folder', async (t) => {
  const root = t.testdir({ file: 'x', spool: { incoming: 'x' } })
  const notAFolder = { exitCode: 73, message: /not a directory$/ }
  t.throws(() => new Layout(join(root, 'file')).check(), notAFolder)
  t.throws(() => new Layout(join(root, 'file', 'spool')).check(), notAFolder)
  t.throws(() => new Layout(join(root, 'spool')).check(), notAFolder)
  t.throws(() => new Layout(join(root, 'file', 'spool')).makeRoot(), notAFolder)
})

void t.test("another user's spool is 77, with a hint", async (t) => {
  const root = t.testdir({ spool: { incoming: {} } })
  await asPlainUser(root, async () => {
    chmodSync(join(root, 'spool'), 0o000)
    const denied = { exitCode: 77, message: /permission denied$/, hint: /another user/ }
    try {
      t.throws(() => new Layout(join(root, 'spool')).check(), denied)
      t.throws(() => new Layout(join(root, 'spool')).make(), denied)
      t.throws(() => new Layout(join(root, 'spool', 'sub')).makeRoot(), denied)
    } finally {
      chmodSync(join(root, 'spool'), 0o700)
    }
  })
})

void t.test('a file system that forgets is refused, with its name', async (t) => {
  const memory = '/dev/shm'
  if (!existsSync(memory) || statfsSync(memory).type !== 0x01021994)
    return t.pass('tmpfs', { skip: 'no tmpfs in /dev/shm' })
  const root = mkdtempSync(join(memory, 'msgq-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  t.throws(() => survey(root, false), {
    code: 'config',
    exitCode: 78,
    message: `spool: ${root} lies on tmpfs (gone at the next boot)`,
    hint: /any_filesystem = true/,
  })
  t.equal(survey(root, true).cautious, true, 'allowed, it is trusted with nothing')
})

void t.test('what npm may empty is refused, also behind a link', async (t) => {
  const root = t.testdir({ node_modules: { msgq: { spool: {} } } })
  const inside = join(root, 'node_modules', 'msgq', 'spool')
  const link = join(root, 'link')
  symlinkSync(inside, link)
  for (const spool of [inside, link])
    t.throws(() => survey(spool, false), { exitCode: 78, message: /node_modules/ })
  t.doesNotThrow(() => survey(inside, true))
})

void t.test('tells what is free, and what is not there', async (t) => {
  const root = t.testdir()
  const ground = survey(root, true)
  t.ok(ground.freeBytes > 0)
  t.ok(ground.freeInodes > 0)
  t.throws(() => survey(join(root, 'none'), true), { code: 'cannot-create', exitCode: 73 })
})

void t.test(
  'what the system says becomes a line for people, with its exit code',
  async (t) => {
    const cases: [string, number, RegExp, RegExp | undefined][] = [
      ['ENOSPC', 75, /no space left on device/, /free some space/],
      ['EDQUOT', 75, /disk quota exceeded/, /quota/],
      ['EFBIG', 75, /file too large/, /ulimit -f/],
      ['EROFS', 75, /read-only file system/, /mount it for writing/],
      ['EIO', 75, /input\/output error/, undefined],
      ['EMFILE', 75, /too many open files/, undefined],
      ['EACCES', 77, /permission denied/, /another user/],
      ['EPERM', 77, /not permitted/, /another user/],
      ['ENOENT', 73, /no such file/, undefined],
    ]
    for (const [code, exitCode, message, hint] of cases) {
      const cause = Object.assign(new Error('raw'), { code })
      const error = cannotUse('/spool', cause)
      t.equal(error.exitCode, exitCode, code)
      t.match(error.message, message)
      t.match(error.message, /^spool: \/spool: /)
      if (hint === undefined) t.equal(error.hint, undefined)
      else t.match(error.hint, hint)
      t.equal(error.cause, cause)
    }
  },
)

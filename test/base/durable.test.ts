import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import fc from 'fast-check'
import writeFileAtomic from 'write-file-atomic'

import {
  DIRECT,
  POOLED,
  appendApart,
  appendLine,
  appendToOpen,
  removeSync,
  replaceFile,
  syncFolder,
  syncFolderSync,
  together,
  writeFirstLine,
  writeStaged,
} from '../../src/base/durable.ts'
import { NO_PRLIMIT, smallDisk, withFileLimit } from '../queue/spool/limits.ts'

const KIB = 1024

void t.test(
  'why messages have a writer of their own: write-file-atomic takes a short write for a success',
  { skip: NO_PRLIMIT },
  async (t) => {
    const folder = t.testdir()
    const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')]
    const bytes = Buffer.alloc(100 * KIB, 'x')
    await withFileLimit(64 * KIB, async () => {
      await t.resolves(writeFileAtomic(theirs, bytes), 'it says that all is well')
      await t.rejects(writeStaged(ours, [bytes]), { code: 'EFBIG' })
      await t.rejects(writeStaged(ours, [bytes], DIRECT), { code: 'EFBIG' })
    })
    t.equal(statSync(theirs).size, 64 * KIB, 'and a third of the file is lost')
    t.strictSame(readdirSync(folder), ['theirs'], 'ours leaves nothing')
  },
)

void t.test(
  'a file that is replaced is the old one or the new one',
  { skip: NO_PRLIMIT },
  async (t) => {
    const folder = t.testdir({ file: 'old' })
    const file = join(folder, 'file')
    mkdirSync(join(folder, 'in-the-way'))
    await withFileLimit(64 * KIB, () =>
      t.rejects(replaceFile(file, 'x'.repeat(100 * KIB)), { code: 'EFBIG' }),
    )
    t.equal(readFileSync(file, 'utf8'), 'old', 'a short write is a full disk')
    await t.rejects(replaceFile(join(folder, 'in-the-way'), 'new'))
    t.strictSame(readdirSync(folder), ['file', 'in-the-way'], 'nothing else is left')
    writeFileSync(`${file}.new`, 'of one that was killed')
    await replaceFile(file, 'new', { mode: 0o600, alone: true })
    t.equal(readFileSync(file, 'utf8'), 'new')
    t.equal(statSync(file).mode & 0o777, 0o600)
    t.strictSame(readdirSync(folder), ['file', 'in-the-way'])
  },
)

void t.test('what is written together is synced together, and fails alone', async (t) => {
  const folder = t.testdir({ there: 'before' })
  const calls = together()
  const names = ['a', 'there', 'b', 'c']
  const bytes = Buffer.from('whole')
  const all = names.map((name) => writeStaged(join(folder, name), [bytes], calls))
  await t.rejects(all[1]!, { code: 'EEXIST' })
  await Promise.all([all[0], all[2], all[3]])
  for (const name of ['a', 'b', 'c'])
    t.equal(readFileSync(join(folder, name), 'utf8'), 'whole')
  t.equal(readFileSync(join(folder, 'there'), 'utf8'), 'before')

  const fd = openSync(join(folder, 'a'), 'r')
  const ended: string[] = []
  // What has no descriptor fails at once; by itself it would be the first to end.
  await Promise.all([
    calls.sync(fd).then(() => ended.push('good')),
    t.rejects(calls.sync(-1)).then(() => ended.push('bad')),
  ])
  t.strictSame(ended, ['good', 'bad'])
  closeSync(fd)
})

void t.test('a full disk is an error, and leaves nothing', async (t) => {
  const disk = smallDisk(t)
  if (disk === undefined) return t.pass('no disk', { skip: 'cannot mount a disk here' })
  const before = readdirSync(disk)
  const file = join(disk, 'staged')
  for (const calls of [POOLED, DIRECT, together()]) {
    const full = writeStaged(file, [Buffer.alloc(10 * KIB * KIB)], calls)
    await t.rejects(full, { code: 'ENOSPC' })
    t.strictSame(readdirSync(disk), before)
  }
  await writeStaged(file, [Buffer.alloc(KIB, 'x')])
  t.equal(statSync(file).size, KIB, 'what fits is written')
})

void t.test('every byte of every part is written, in order', async (t) => {
  const folder = t.testdir()
  let files = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.constantFrom(POOLED, DIRECT),
      async (parts, calls) => {
        const path = join(folder, String(files++))
        await writeStaged(path, parts, calls)
        t.ok(readFileSync(path).equals(Buffer.concat(parts)))
      },
    ),
    { numRuns: 50 },
  )
})

void t.test('the mode does not depend on the umask', async (t) => {
  const folder = t.testdir()
  const umask = process.umask(0o077)
  try {
    await writeStaged(join(folder, 'strict'), [])
    process.umask(0)
    await writeStaged(join(folder, 'lax'), [])
  } finally {
    process.umask(umask)
  }
  for (const file of ['strict', 'lax'])
    t.equal(statSync(join(folder, file)).mode & 0o777, 0o640, file)
})

void t.test('what is there is never written over', async (t) => {
  const folder = t.testdir({ there: 'theirs' })
  const there = join(folder, 'there')
  for (const calls of [POOLED, DIRECT])
    await t.rejects(writeStaged(there, [Buffer.from('ours')], calls), { code: 'EEXIST' })
  t.equal(readFileSync(there, 'utf8'), 'theirs')
  const link = join(folder, 'link')
  symlinkSync('elsewhere', link)
  await t.rejects(writeStaged(link, [Buffer.from('ours')]), { code: 'EEXIST' })
  t.ok(lstatSync(link).isSymbolicLink(), 'a link is not followed, and not removed')
  t.notOk(existsSync(join(folder, 'elsewhere')))
  await t.rejects(writeStaged(join(folder, 'no', 'folder'), []), { code: 'ENOENT' })
})

void t.test('a line is appended behind what is there', async (t) => {
  const path = join(t.testdir({ file: 'one\n' }), 'file')
  appendLine(path, 'two\n')
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
})

void t.test('a torn last line gets its newline first', async (t) => {
  const path = join(t.testdir({ file: 'one\n{"tor' }), 'file')
  appendLine(path, 'two\n')
  t.equal(readFileSync(path, 'utf8'), 'one\n{"tor\ntwo\n')
  writeFileSync(path, '')
  appendLine(path, 'first\n')
  t.equal(readFileSync(path, 'utf8'), 'first\n', 'an empty file is not torn')
})

void t.test('a line that stands apart can be taken off again to the byte', async (t) => {
  const path = join(t.testdir({ file: '' }), 'file')
  for (const before of ['', 'x', 'x\n', '\n\n']) {
    writeFileSync(path, before)
    appendApart(path, 'line\n')
    t.equal(readFileSync(path, 'utf8'), `${before}\nline\n`)
  }
})

void t.test('half a line is taken back', { skip: NO_PRLIMIT }, async (t) => {
  const path = join(t.testdir({ file: `${'x'.repeat(4095)}\n` }), 'file')
  await withFileLimit(4106, () => {
    t.throws(() => appendLine(path, `${'y'.repeat(50)}\n`), { code: 'ENOSPC' })
    t.throws(() => appendApart(path, `${'y'.repeat(50)}\n`), { code: 'ENOSPC' })
  })
  t.equal(statSync(path).size, 4096)
  appendLine(path, 'fits again\n')
  t.match(readFileSync(path, 'utf8'), /x\nfits again\n$/)
})

void t.test('appending never makes a file, nor follows a link', async (t) => {
  const folder = t.testdir({ target: 'theirs\n', link: t.fixture('symlink', 'target') })
  t.throws(() => appendLine(join(folder, 'none'), 'x\n'), { code: 'ENOENT' })
  t.notOk(existsSync(join(folder, 'none')))
  t.throws(() => appendLine(join(folder, 'link'), 'x\n'), { message: 'not a regular file' })
  t.equal(readFileSync(join(folder, 'target'), 'utf8'), 'theirs\n')
  t.throws(() => appendLine(folder, 'x\n'), { message: 'not a regular file' })
})

void t.test('what is no regular file is not even opened', async (t) => {
  const fifo = join(t.testdir(), 'fifo')
  execFileSync('mkfifo', [fifo])
  t.throws(() => appendLine(fifo, 'x\n'), { message: 'not a regular file' })
  t.throws(
    () => writeFirstLine(fifo, ''),
    { code: 'ENXIO' },
    'and a wake-up does not wait for a reader',
  )
})

void t.test('a descriptor follows its file wherever it is moved', async (t) => {
  const folder = t.testdir({ file: 'one\n' })
  const fd = openSync(join(folder, 'file'), 'a+')
  execFileSync('mv', [join(folder, 'file'), join(folder, 'moved')])
  appendToOpen(fd, 'two\n')
  closeSync(fd)
  t.equal(readFileSync(join(folder, 'moved'), 'utf8'), 'one\ntwo\n')
})

void t.test('a wake-up is one byte, however often', async (t) => {
  const path = join(t.testdir({ wake: '' }), 'wake')
  for (let n = 0; n < 3; n++) writeFirstLine(path, '')
  t.equal(statSync(path).size, 1)
  t.throws(() => writeFirstLine(`${path}-none`, ''), { code: 'ENOENT' }, 'it makes no file')
})

void t.test('folders that are there are synced; others are an error', async (t) => {
  const folder = t.testdir({ file: 'x' })
  await t.resolves(syncFolder(folder))
  syncFolderSync(folder)
  await t.rejects(syncFolder(join(folder, 'file')), { code: 'ENOTDIR' })
  await t.rejects(syncFolder(join(folder, 'none')), { code: 'ENOENT' })
  t.throws(() => syncFolderSync(join(folder, 'none')), { code: 'ENOENT' })
})

void t.test('removing tells whether there was something', async (t) => {
  const folder = t.testdir({ file: 'x', sub: {} })
  t.equal(removeSync(join(folder, 'file')), true)
  t.equal(removeSync(join(folder, 'file')), false)
  t.throws(() => removeSync(join(folder, 'sub')))
})

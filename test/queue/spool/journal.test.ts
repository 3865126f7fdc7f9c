/**
 * journal - files of lines that several programs write, on disks that say no.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import fc from 'fast-check'
import t from 'tap'

import { idMaker } from '../../../src/message/id.ts'
import { dayOf, parseJournalLine } from '../../../src/message/journal-line.ts'
import type { JournalLine } from '../../../src/message/journal-line.ts'
import type { JournalQuery } from '../../../src/queue/queue.ts'
import { linesOf } from '../../../src/queue/spool/journal-reader.ts'
import { SpoolJournal } from '../../../src/queue/spool/journal.ts'
import { NO_PRLIMIT, withFileLimit } from './limits.ts'
import { Yard, anId, asPlainUser } from './yard.ts'

const DAY = 86_400_000

/** A journal of its own on the spool of a yard that nobody serves. */
async function journalOf(t: Parameters<typeof Yard.open>[0]) {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const { layout, clock, reports } = yard
  const journal = new SpoolJournal(layout, clock, (report) => reports.push(report))
  const note = (number: number, reason = 'x'): JournalLine => {
    const at = new Date(clock.now()).toISOString()
    const line = { at, event: 'delivered', id: anId(), try: number, reason } as const
    journal.note(line)
    return line
  }
  const numbers = async (query: JournalQuery = {}) => {
    const found: number[] = []
    for await (const { try: number } of journal.history(query)) found.push(number!)
    return found
  }
  const today = () => layout.log(`${dayOf(clock.now())}.jsonl`)
  return { yard, journal, note, numbers, today }
}

void t.test('half a line is passed by, and the next writer begins a new one', async (t) => {
  const { journal, note, numbers, today } = await journalOf(t)
  note(1)
  await journal.noted()
  appendFileSync(today(), '{"at":"2026-11-20T10:00:00.000Z","eve')
  t.strictSame(await numbers(), [1])
  const from = await journal.mark()
  note(2)
  t.strictSame(await numbers({ from }), [2], 'a mark is the end of a whole line')
  t.strictSame(await numbers(), [1, 2])
  t.equal(readFileSync(today(), 'utf8').split('\n').length, 4)
})

void t.test(
  'a write that is cut short is said once; no line is lost, and none twice',
  { skip: NO_PRLIMIT },
  async (t) => {
    const { yard, journal, note, numbers, today } = await journalOf(t)
    note(0)
    await journal.noted()
    const { size } = statSync(today())
    await withFileLimit(Math.floor(size * 2.5), async () => {
      for (let n = 1; n <= 5; n++) note(n)
      await journal.noted()
      t.strictSame(await numbers(), [0, 1], 'as many as there was room for')
      note(6)
      await journal.noted()
    })
    t.match(yard.said('trouble'), [{ message: /^journal: log\/: .*; deliveries go on/ }])
    note(7)
    t.strictSame(await numbers(), [0, 1, 2, 3, 4, 5, 6, 7])
    t.equal(yard.said('trouble').length, 1)
  },
)

void t.test('a folder that cannot be written costs lines and nothing else', async (t) => {
  const yard = await Yard.open(t)
  await asPlainUser(yard.root, async () => {
    chmodSync(yard.layout.log(''), 0o500)
    for (let n = 0; n < 3; n++) {
      await yard.send()
      await yard.engine.settle(await yard.lease(), { to: 'delivered' })
      await yard.engine.noted()
    }
    await yard.engine.close()
    chmodSync(yard.layout.log(''), 0o700)
  })
  t.strictSame(yard.where(), {})
  t.match(
    yard.said('trouble').map(({ message }) => message),
    [/^journal: log\/: .*deliveries go on without it$/, /^journal: 3 lines were lost$/],
  )
})

void t.test(
  'where nothing can be written for long, old lines stay and new ones go',
  async (t) => {
    const { yard, journal, note, numbers } = await journalOf(t)
    const folder = yard.layout.log('')
    rmSync(folder, { recursive: true })
    writeFileSync(join(yard.root, 'log'), 'no folder')
    const long = 'x'.repeat(1024)
    for (let n = 0; n < 6_000; n++) note(n, long)
    await journal.noted()
    rmSync(join(yard.root, 'log'))
    const kept = await numbers()
    t.ok(kept.length > 3_000 && kept.length < 6_000, `${kept.length} lines`)
    t.strictSame(kept, [...kept.keys()], 'the first ones, in order')
    t.match(yard.said('trouble').at(-1), {
      message: `journal: ${6_000 - kept.length} lines were lost`,
    })
  },
)

void t.test(
  'a folder or file that is removed is made again, readable by the group',
  async (t) => {
    const { yard, journal, note, numbers, today } = await journalOf(t)
    const umask = process.umask(0o077)
    t.teardown(() => process.umask(umask))
    note(1)
    await journal.noted()
    t.equal(statSync(today()).mode & 0o777, 0o640)
    rmSync(yard.layout.log(''), { recursive: true })
    note(2)
    t.strictSame(await numbers(), [2])
    rmSync(today())
    note(3)
    t.strictSame(await numbers(), [3])
    t.strictSame(yard.reports, [])
  },
)

void t.test('lines of several programs do not mix', async (t) => {
  const { yard, numbers } = await journalOf(t)
  const dist = pathToFileURL(join(import.meta.dirname, '../../../dist')).href
  const program = `
    const { SpoolJournal } = await import('${dist}/queue/spool/journal.js')
    const { Layout } = await import('${dist}/queue/spool/layout.js')
    const { systemClock } = await import('${dist}/base/clock.js')
    const [root, first] = process.argv.slice(1)
    const journal = new SpoolJournal(new Layout(root), systemClock, console.error)
    for (let n = 0; n < 1000; n++) {
      const at = new Date().toISOString()
      journal.note({ at, event: 'delivered', id: 'X', try: Number(first) + n, reason: 'y'.repeat(n) })
      if (n % 10 === 0) await journal.noted()
    }
    await journal.close()`
  const firsts = [0, 10_000, 20_000, 30_000]
  const ended = firsts.map(async (first) => {
    const argv = ['--input-type=module', '-e', program, yard.root, String(first)]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    await once(child, 'close')
    return err
  })
  t.strictSame(await Promise.all(ended), ['', '', '', ''])
  const all = await numbers()
  for (const first of firsts)
    t.strictSame(
      all.filter((number) => number >= first && number < first + 10_000),
      Array.from({ length: 1_000 }, (_, n) => first + n),
      'each once, in its order',
    )
  const [file, ...others] = readdirSync(yard.layout.log(''))
  t.strictSame(others, [], 'unless it is midnight')
  const rows = readFileSync(yard.layout.log(file!), 'utf8').split('\n')
  t.strictSame(
    rows.filter((row) => row !== '' && parseJournalLine(row) === undefined),
    [],
  )
})

void t.test('only the days that are asked for are opened', async (t) => {
  const { yard, note, numbers } = await journalOf(t)
  const { clock, layout } = yard
  for (let n = 0; n < 5; n++) {
    note(n)
    clock.pass(DAY)
  }
  await numbers()
  const now = clock.now()
  // What cannot be read as a file is an error, but for who does not look.
  const first = layout.log(`${dayOf(now - 5 * DAY)}.jsonl`)
  rmSync(first)
  mkdirSync(first)
  await t.rejects(numbers(), { code: 'temporary' })
  t.strictSame(await numbers({ after: now - 4 * DAY - 1_000 }), [1, 2, 3, 4])
  t.strictSame(
    await numbers({ after: now - 3 * DAY - 1_000, before: now - DAY - 1_000 }),
    [2, 3],
  )
  const id = idMaker(
    () => now - 2 * DAY,
    (bytes) => bytes,
  )()
  t.strictSame(await numbers({ ids: [id] }), [], 'not those before it was made')
})

void t.test('old days go, unless the clock is in doubt; other files stay', async (t) => {
  let mayExpire = false
  const yard = await Yard.open(t, { retention: 2 * DAY, mayExpire: () => mayExpire })
  const day = (ago: number) => `${dayOf(yard.clock.now() - ago * DAY)}.jsonl`
  const names = [...[0, 1, 2, 3, 4, 400].map(day), 'notes.txt', '2020-13-01.jsonl']
  for (const name of names) writeFileSync(yard.layout.log(name), '')
  const left = () => readdirSync(yard.layout.log('')).toSorted()
  yard.clock.run(700_000)
  await yard.claim()
  await yard.engine.close()
  t.strictSame(left(), names.toSorted(), 'in doubt')
  mayExpire = true
  await yard.restart()
  await yard.engine.close()
  t.strictSame(left(), [day(0), day(1), day(2), ...names.slice(-2)].toSorted())
})

void t.test('a program beside the daemon removes nothing', async (t) => {
  const yard = await Yard.open(t)
  writeFileSync(yard.layout.log('2001-01-01.jsonl'), '')
  const desk = yard.anotherEngine()
  await desk.act('flush', {}, { by: 'ann' })
  await desk.close()
  t.strictSame(readdirSync(yard.layout.log('')), ['2001-01-01.jsonl'])
})

void t.test('both ways give the same lines, whatever stands between them', async (t) => {
  const path = join(t.testdir(), 'day')
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom('', '\0\0\0', '{', '{"at":1}', 'x'.repeat(300)),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 30 }),
      fc.integer({ min: 1, max: 64 }),
      fc.boolean(),
      async (rows, piece, ends) => {
        const clean = rows.map((row) => row.replaceAll('\n', ' '))
        const bytes = Buffer.from(clean.join('\n') + (ends ? '\n' : ''))
        writeFileSync(path, bytes)
        const part = { path, from: 0, to: bytes.length, piece }
        const there: string[] = []
        const back: string[] = []
        for await (const row of linesOf(part)) if (row !== '') there.push(row)
        for await (const row of linesOf(part, true)) if (row !== '') back.push(row)
        const wanted = bytes
          .toString()
          .split('\n')
          .filter((row) => row !== '')
        t.strictSame(there, wanted)
        t.strictSame(back, wanted.toReversed())
        const needle = wanted.find((row) => row.length > 2)?.slice(1, 3) ?? 'none'
        const found: string[] = []
        for await (const row of linesOf({ ...part, needles: [needle] })) found.push(row)
        t.strictSame(
          found,
          wanted.filter((row) => row.includes(needle)),
        )
      },
    ),
    { numRuns: 200 },
  )
})

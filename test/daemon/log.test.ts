/**
 * log - what a machine and a person read of the daemon, to the letter; and a reader that fails
 * costs lines and nothing else.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'

import t from 'tap'

import { openLog } from '../../src/daemon/log.ts'
import type { LogOptions } from '../../src/daemon/log.ts'
import type { Log } from '../../src/delivery/log.ts'

const ID = '01KAG6Z8K6Q4W5E6R7T8Y9V0A1'
const ATTEMPT = {
  event: 'attempt',
  id: ID,
  to: 'crm',
  lane: 'crm',
  try: 4,
  outcome: 'deferred',
  fault: 'receiver',
  status: 503,
  reason: '503 Service Unavailable: "down"',
  ageMs: 7_205_000,
  ms: 28,
}

/** A log on a stream that can be read back; a terminal if it is to be one. */
function open(options: Partial<LogOptions> & { terminal?: boolean } = {}) {
  const { terminal = false, ...more } = options
  const stream = new PassThrough()
  const stdout = Object.assign(stream, terminal ? { isTTY: true } : {})
  const log = openLog({
    level: 'info',
    format: 'auto',
    journal: false,
    stdout: stdout as unknown as NodeJS.WriteStream,
    ...more,
  })
  // Lines of one turn are written together.
  const text = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return String(stream.read() ?? '')
  }
  return { log, stream, text }
}

const journal = { journal: true }

/** An attempt whose next try is so far away (ms), seen from the time of its line. */
function writeAttempt(log: Log, level: 'info' | 'warn', more: object = {}): void {
  log.write(level, { ...ATTEMPT, ...more }, 'deferred crm: 503 Service Unavailable: "down"')
}

t.test(
  'as JSON a line has its level as a word, its time, the members, a sentence',
  async (t) => {
    const { log, text } = open()
    const before = Date.now()
    writeAttempt(log, 'warn', { due: '2026-11-20T10:00:00.000Z' })
    const line = await text()
    t.match(line, /^\{.*\}\n$/)
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
    t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    t.ok(Date.parse(String(time)) >= before && Date.parse(String(time)) <= Date.now())
    t.strictSame(rest, {
      level: 'warn',
      ...ATTEMPT,
      due: '2026-11-20T10:00:00.000Z',
      msg: 'deferred crm: 503 Service Unavailable: "down"',
    })
    t.strictSame(Object.keys(rest).slice(0, 4), ['level', 'event', 'id', 'to'])
  },
)

t.test('in the journal a line has its priority and no time', async (t) => {
  const { log, text } = open(journal)
  writeAttempt(log, 'warn')
  t.equal(
    await text(),
    '<4>T8Y9V0A1 deferred to=crm try=4 status=503 age=2h ms=28 (503 Service Unavailable: "down")\n',
  )
  log.write('info', { event: 'start' }, 'msgqd 1.0.0 serves /var/spool/msgq')
  t.equal(await text(), '<6>msgqd 1.0.0 serves /var/spool/msgq\n')
  log.write('error', { event: 'trouble' }, 'cannot claim')
  t.equal(await text(), '<3>cannot claim\n')
})

t.test(
  'on a terminal a line has its time, and its level where it is not info',
  async (t) => {
    const { log, text } = open({ terminal: true })
    const bare = { status: undefined, outcome: 'delivered', reason: '200 OK' }
    writeAttempt(log, 'info', bare)
    t.match(
      await text(),
      /^\d\d:\d\d:\d\d\.\d{3} T8Y9V0A1 delivered to=crm try=4 age=2h ms=28 \(200 OK\)\n$/,
    )
    writeAttempt(log, 'warn')
    t.match(await text(), /^\d\d:\d\d:\d\d\.\d{3} warn: T8Y9V0A1 deferred to=crm /)
  },
)

t.test('the next try is shown as the time until then', async (t) => {
  const { log, text } = open(journal)
  const due = new Date(Date.now() + 14.5 * 60_000).toISOString()
  writeAttempt(log, 'warn', { due })
  t.match(await text(), / ms=28 next=14m \(503 /)
})

t.test(
  'what is no attempt is its sentence, with the id before and the reason behind',
  async (t) => {
    const { log, text } = open(journal)
    const fields = { event: 'trouble', id: ID, reason: 'no space left on device' }
    log.write('error', fields, 'cannot settle as delivered: tried again')
    t.equal(
      await text(),
      '<3>T8Y9V0A1 cannot settle as delivered: tried again (no space left on device)\n',
    )
    log.write('error', { event: 'held', id: ID, reason: 'it is bad' }, 'held: it is bad')
    t.equal(await text(), '<3>T8Y9V0A1 held: it is bad\n', 'a reason is said once')
  },
)

t.test('what strangers wrote cannot break a line or paint the terminal', async (t) => {
  const { log, text } = open(journal)
  const evil = 'a\nb\x1b[31mc\u202ed'
  writeAttempt(log, 'info', { to: evil, reason: evil })
  log.write('info', { event: 'x', reason: evil }, evil)
  log.write('info', { event: 'x', reason: 'y'.repeat(5000) }, 'z'.repeat(5000))
  const lines = (await text()).split('\n')
  t.equal(lines.length, 4)
  for (const line of lines) {
    // oxlint-disable-next-line no-control-regex
    t.notMatch(line, /[\x00-\x1f\u202e]/)
    t.ok(line.length < 2100)
  }
})

/** How a line is written with these options. */
async function isJson(options: Parameters<typeof open>[0]): Promise<boolean> {
  const { log, text } = open(options)
  log.write('info', { event: 'x' }, 'y')
  return /^(?:<\d>)?\{/.test(await text())
}

t.test('the format is what the configuration says, else what the reader is', async (t) => {
  t.equal(await isJson({}), true, 'a file or a pipe')
  t.equal(await isJson({ terminal: true }), false, 'a terminal')
  t.equal(await isJson(journal), false, 'the journal')
  t.equal(await isJson({ ...journal, format: 'json' }), true)
  t.equal(await isJson({ terminal: true, format: 'json' }), true)
  t.equal(await isJson({ format: 'text' }), false)
})

t.test('JSON has its priority in the journal too, which takes it away', async (t) => {
  const { log, text } = open({ ...journal, format: 'json', level: 'debug' })
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    log.write(level, { event: 'x' }, level)
  const lines = (await text()).trim().split('\n')
  t.same(
    lines.map((line) => line.slice(0, 3)),
    ['<7>', '<6>', '<4>', '<3>'],
  )
  for (const line of lines) t.equal(JSON.parse(line.slice(3)).event, 'x')
})

t.test('lines below the level are not written', async (t) => {
  const { log, text } = open({ ...journal, level: 'warn' })
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    log.write(level, { event: 'x' }, level)
  t.equal(await text(), '<4>warn\n<3>error\n')
  const all = open({ ...journal, level: 'debug' })
  all.log.write('debug', { event: 'x' }, 'y')
  t.equal(await all.text(), '<7>y\n')
})

/**
 * A program of its own, because only there stdout is what it is in the daemon. A patient one
 * waits for its reader now and then.
 */
function child(stdout: 'pipe' | number, patient = false): ChildProcess {
  const program = `
    const { openLog } = await import(${JSON.stringify(SOURCE)})
    const { stdout } = process
    const log = openLog({ level: 'info', format: 'json', journal: false, stdout })
    let most = 0
    for (let line = 0; line < 4000; line++) {
      log.write('info', { event: 'x', line }, 'x'.repeat(1000))
      most = Math.max(most, stdout.writableLength)
      if (line % 100 > 0) continue
      do await new Promise((resolve) => setTimeout(resolve, 1))
      while (${patient} && stdout.writableLength > 0)
    }
    process.stderr.write(JSON.stringify({ most }))`
  const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...env } = process.env
  const args = ['--import', LOADER, '--input-type=module', '--eval', program]
  return spawn(process.execPath, args, { env, stdio: ['ignore', stdout, 'pipe'] })
}
const SOURCE = new URL('../../src/daemon/log.ts', import.meta.url).href
const LOADER = new URL('../loader.mjs', import.meta.url).href

/** What the child said at the end of its work; throws what it said instead. */
async function verdictOf(stderr: AsyncIterable<Buffer>): Promise<{ most: number }> {
  let said = ''
  for await (const chunk of stderr) {
    said += String(chunk)
    if (said.endsWith('}')) return JSON.parse(said) as { most: number }
  }
  throw new Error(said)
}

t.test('a reader that does not read costs lines, no time and little memory', async (t) => {
  const program = child('pipe')
  const { most } = await verdictOf(program.stderr!)
  t.ok(most > 512 * 1024, 'it kept what it could')
  t.ok(most < 2 * 1024 * 1024, `${most} bytes at most`)
  // Now it reads: what was kept is whole, and the program ends.
  const lines = (await textOf(program.stdout!)).trimEnd().split('\n')
  const numbers = lines.map((line) => (JSON.parse(line) as { line: number }).line)
  t.strictSame(numbers, [...numbers.keys()], 'the first ones, in order')
  t.ok(numbers.length < 4000)
  if (program.exitCode === null) await once(program, 'exit')
  t.equal(program.exitCode, 0)
})

t.test('a reader that reads gets every line', async (t) => {
  const program = child('pipe', true)
  const [text] = await Promise.all([textOf(program.stdout!), verdictOf(program.stderr!)])
  t.equal(text.trimEnd().split('\n').length, 4000)
})

t.test('neither a full disk nor a reader that left ends the program', async (t) => {
  const full = openSync('/dev/full', 'w')
  const programs = [child(full), child('pipe')]
  closeSync(full)
  programs[1]!.stdout!.destroy()
  const exits = programs.map((program) => once(program, 'exit'))
  await Promise.all(programs.map((program) => verdictOf(program.stderr!)))
  t.strictSame(await Promise.all(exits), [
    [0, null],
    [0, null],
  ])
})

/**
 * journal - the real daemon and the real commands: what happened is told, to its end.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import t from 'tap'

import { parseJournalLine } from '../../src/message/journal-line.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import { Machine } from './machine.ts'

/** All lines that stand in the journal. */
function lines({ spool }: Machine): JournalLine[] {
  return readdirSync(join(spool, 'log')).flatMap((file) =>
    readFileSync(join(spool, 'log', file), 'utf8')
      .split('\n')
      .map(parseJournalLine)
      .filter((line) => line !== undefined),
  )
}

void t.test('after a clean stop the journal is complete', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.start()
  const batch = `{"to":"${sink.url}","body":"x"}\n`.repeat(300)
  const { out } = await machine.run('msgq', ['send', '--batch'], batch)
  await machine.until('all are accepted', () => sink.accepted.size === 300)
  t.equal(await machine.kill('SIGTERM'), 0)
  const ids = out.trim().split('\n').toSorted()
  for (const event of ['queued', 'delivered']) {
    const told = lines(machine).filter((line) => line.event === event)
    t.strictSame(told.map(({ id }) => id).toSorted(), ids, event)
  }
  t.notMatch(JSON.stringify(lines(machine)), /"to":null/)
})

void t.test('--wait ends with what became of it', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({ answers: ['/ok=200', '/bad=404', '/later=503'] })
  await machine.start()
  const wait = (path: string, ...more: string[]) =>
    machine.msgq('send', `${sink.url}/${path}`, '-d', 'x', '--wait', ...more)
  const ok = await wait('ok')
  t.match(ok, { code: 0, err: '' })
  t.match(ok.out, /^[0-9A-Z]{26}\n$/)
  t.match(await wait('bad'), { code: 1, err: /^msgq: send: \w{8} bounced: 404 Not Found/ })
  t.match(await wait('ok', '--hold'), { code: 3, err: /held: its sender said hold/ })
  const lane = `=127.0.0.1_${new URL(sink.url).port}`
  t.match(await machine.msgq('suspend', lane, '--why', 'no money'), { code: 0 })
  t.match(await wait('ok'), { code: 3, err: /waits: =127.* is suspended .*: no money/ })
  t.match(await machine.msgq('resume', lane), { code: 0 })
  const later = await wait('later', '--timeout', '300ms')
  t.match(later, { code: 124, err: /not delivered in 300ms: \w+.*it goes on/ })
  const two = `${sink.url}/ok,${sink.url}/bad`
  t.match(await machine.msgq('send', two, '-d', 'x', '--wait'), { code: 1 })
  t.match(await wait('ok', '--key', '1'), { code: 0 })
  const repeat = await wait('ok', '--key', '1')
  t.match(repeat, { code: 0, err: '' })
  t.match(await machine.msgq('show', repeat.out.trim()), {
    code: 0,
    err: /was a repeat of/,
    out: /delivered/,
  })
})

void t.test('--wait hears of an operator, and does not need the journal', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({ answers: ['404'] })
  await machine.start()
  const waiting = machine.msgq('send', sink.url, '-d', 'x', '--wait', '--delay', '1h')
  await machine.until('it is scheduled', () => machine.files('deferred').length === 1)
  t.match(await machine.msgq('delete', 'ALL', '--yes', '--why', 'not wanted'), { code: 0 })
  t.match(await waiting, { code: 1, err: /deleted by \S+: not wanted/ })

  rmSync(join(machine.spool, 'log'), { recursive: true })
  writeFileSync(join(machine.spool, 'log'), 'no folder')
  const bounced = await machine.msgq('send', sink.url, '-d', 'x', '--wait')
  t.equal(bounced.code, 73, 'what is wrong before is said before')
  t.strictSame(machine.files('bounce'), [], 'and nothing was queued')
})

void t.test('without a daemon --wait says so, and waits until there is one', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.run('msgqd', ['--once'])
  const waiting = spawn(
    process.execPath,
    [resolve('bin/msgq'), 'send', sink.url, '-d', 'x', '--wait'],
    { env: machine.env, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let err = ''
  waiting.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  await machine.until('it says so', () => err.includes('\n'))
  t.match(err, /^msgq: send: msgqd is not running: .*; waiting\n$/)
  await machine.start()
  const [code] = (await once(waiting, 'close')) as [number]
  t.equal(code, 0)
})

void t.test('a log that is followed goes on until its reader leaves', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.start()
  await machine.msgq('send', sink.url, '-d', 'before', '--wait')
  const follower = spawn(process.execPath, [resolve('bin/msgq'), 'log', '-f', '--json'], {
    env: machine.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => follower.kill())
  let out = ''
  follower.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const count = () => out.split('\n').length - 1
  await machine.until('what was before', () => count() === 2)
  await machine.msgq('send', sink.url, '-d', 'after')
  await machine.until('what comes', () => count() === 4)
  const events = out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as JournalLine).event)
  t.strictSame(events, ['queued', 'delivered', 'queued', 'delivered'])
  follower.kill('SIGINT')
  await once(follower, 'close')
})

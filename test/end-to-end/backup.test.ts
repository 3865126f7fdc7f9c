/**
 * backup - copies of spools that are served, by the real programs: under load nothing that was
 * there is missing, and what is restored goes out.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { STATES } from '../../src/message/state.ts'
import { backUpSpool, makeSpool } from '../../src/queue/open.ts'
import { Machine } from './machine.ts'

const ID = /,([0-9A-Z]{26})@/

/** The ids in a spool, by state. */
function idsIn(spool: string): Map<string, string> {
  return new Map(
    STATES.flatMap((state) =>
      readdirSync(join(spool, state)).flatMap((file) => {
        const id = ID.exec(file)?.[1]
        return id === undefined || file.startsWith('.') ? [] : [[id, state] as const]
      }),
    ),
  )
}

t.test('what was there before and is not delivered is in the copy', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({
    answers: ['/later=503', '/no=410', '/ok=200'],
    slow: 5,
  })
  const base = sink.url.replace(/\/$/, '')
  const send = (path: string, count: number, more = {}) =>
    machine.run(
      'msgq',
      ['send', '--batch'],
      Array.from({ length: count }, (_, n) =>
        JSON.stringify({ to: path, body: `${n}`, ...more }),
      )
        .join('\n')
        .concat('\n'),
    )
  const lanes = ['later', 'no', 'ok', 'kept'].map(
    (name) => `[destinations.${name}]\ntype = "http"\nurl = "${base}/${name}"\n`,
  )
  machine.configure(`${lanes.join('')}`)
  await machine.start()
  await send('later', 120)
  await send('no', 20)
  await send('later', 20, { hold: true })
  await machine.msgq('send', '--key', 'order-1', 'ok', 'once')
  await machine.msgq('suspend', 'kept', '--why', 'moving')
  await machine.until('some wait', () => machine.files('deferred').length > 0)
  await machine.until('and bounced', () => machine.files('bounce').length === 20)

  let over = false
  const flood = (async () => {
    while (!over) await send('ok', 60)
  })()
  const durable = new Set([...idsIn(machine.spool).keys(), ...idsIn(machine.spool).keys()])
  const copy = join(dirname(machine.spool), 'copy')
  const ran = await machine.msgq('backup', copy, '--json')
  over = true
  t.equal(ran.code, 0, ran.err)
  t.same(JSON.parse(ran.out).findings, [])
  await flood
  const copied = idsIn(copy)
  const missing = [...durable].filter((id) => !copied.has(id) && !sink.accepted.has(id))
  t.ok(durable.size >= 160, `${durable.size} were there`)
  t.same(missing, [], 'nothing is missing')
  t.equal([...copied.values()].filter((state) => state === 'bounce').length, 20)
  t.equal(readdirSync(join(copy, 'active')).length, 0, 'nothing is in flight in it')
  t.equal(readdirSync(join(copy, 'keys')).length, 1)
  t.ok(existsSync(join(copy, 'suspended/kept')))
  t.ok(readdirSync(join(copy, 'log')).length > 0)
  const checked = await machine.msgq('check', '--spool', copy)
  t.equal(checked.code, 0, checked.out)
  t.match(checked.out, '0 errors, 0 warnings')

  const again = await machine.msgq('backup', copy)
  t.equal(again.code, 73, 'no backup is overwritten')
  t.match(again.err, 'is not empty')
  t.equal((await machine.msgq('backup', join(machine.spool, 'hold/b'))).code, 64)
  t.equal(idsIn(copy).size, copied.size, 'the first is as it was')

  await machine.kill('SIGTERM')
  renameSync(machine.spool, `${machine.spool}.old`)
  renameSync(copy, machine.spool)
  await machine.start()
  const isOk = (file: string) => file.includes('@ok')
  await machine.until('what is due goes out', () => !machine.files('incoming').some(isOk))
  const known = await machine.msgq('send', '--key', 'order-1', 'ok', 'once')
  t.equal(known.code, 0)
  t.match((await machine.msgq('status')).out, 'moving', 'the lane is suspended')
})

t.test('a tar file appears whole, and is never overwritten', async (t) => {
  const machine = new Machine(t)
  await makeSpool(machine.spool)
  await machine.msgq('send', 'http://127.0.0.1:9/', 'hello')
  const file = join(dirname(machine.spool), 'monday.tar')
  const ran = await machine.msgq('backup', file)
  t.equal(ran.code, 0, ran.err)
  t.match(ran.out, /^monday\.tar: 1 message \(1 incoming\), \d+ B, proven\n$/)
  t.same(
    readdirSync(dirname(file)).filter((name) => name.includes('partial')),
    [],
  )
  rmSync(machine.spool, { recursive: true })
  mkdirSync(machine.spool)
  t.equal(spawnSync('tar', ['-C', machine.spool, '-xf', file]).status, 0)
  t.equal((await machine.msgq('check')).code, 0)
  t.equal(idsIn(machine.spool).size, 1)
  t.equal((await machine.msgq('backup', file)).code, 73)
})

t.test('what is no message, and what is not whole', async (t) => {
  const machine = new Machine(t)
  await makeSpool(machine.spool)
  const place = (file: string, text: string) =>
    writeFileSync(join(machine.spool, file), text)
  place('incoming/order', '{"to":"crm"}\nhello')
  place('incoming/.half', 'x')
  place('corrupt/order', 'y')
  symlinkSync('/etc/passwd', join(machine.spool, 'incoming/link'))
  spawnSync('mkfifo', [join(machine.spool, 'incoming/fifo')])
  const copy = join(dirname(machine.spool), 'copy')
  const ran = await machine.msgq('backup', copy)
  t.match(ran.err, 'incoming/link: is left out: not a regular file')
  t.match(ran.err, 'incoming/fifo: is left out: not a regular file')
  t.same(readdirSync(join(copy, 'incoming')), ['order'])
  t.equal(readFileSync(join(copy, 'corrupt/order'), 'utf8'), 'y')
  t.equal(ran.code, 65, 'as msgq check says of a stray name in corrupt/')
})

t.test(
  'children that are not published yet are in the copy, their event is not',
  async (t) => {
    const folder = t.testdir()
    const [spool, copy] = [join(folder, 'spool'), join(folder, 'copy')]
    await makeSpool(spool)
    mkdirSync(copy)
    const event = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
    const due = '20261120T101500.123Z,0'
    const child = `${due},01JD3Z8K6Q4W5E6R7T8Y9V0A1Q@crm`
    const stray = `${due},01JD3Z8K6Q4W5E6R7T8Y9V0A1R@crm`
    writeFileSync(join(spool, 'active', `${due},${event}@_event#expandedabc123`), 'event')
    writeFileSync(join(spool, 'active', `.fan-${event}-abc123-${child}`), 'child')
    writeFileSync(
      join(spool, 'active', `.fan-${event}-def456-${stray}`),
      'of another claim',
    )
    await backUpSpool(spool, copy, { beganAt: Date.now(), onFinding: () => {} })
    t.same(readdirSync(join(copy, 'incoming')), [child])
    t.same(readdirSync(join(copy, 'active')), [])
  },
)

/** Moves all messages from folder to folder, without a pause, against the order of reading. */
const RESTLESS = `
const { workerData, parentPort } = require('node:worker_threads')
const { renameSync } = require('node:fs')
const { spool, names, stop } = workerData
const STATES = ['incoming', 'hold', 'bounce', 'deferred']
let at = 0
parentPort.postMessage('moving')
while (Atomics.load(stop, 0) === 0) {
  const [from, to] = [STATES[at % 4], STATES[(at + 1) % 4]]
  for (const name of names) renameSync(spool + '/' + from + '/' + name, spool + '/' + to + '/' + name)
  at++
}`

t.test('messages that move all the time are caught', async (t) => {
  const folder = t.testdir()
  const [spool, copy] = [join(folder, 'spool'), join(folder, 'copy')]
  await makeSpool(spool)
  mkdirSync(copy)
  const names = Array.from(
    { length: 50 },
    (_, n) =>
      `20261120T101500.123Z,0,01JD3Z8K6Q4W5E6R7T8Y9V${String(n).padStart(4, '0')}@crm`,
  )
  for (const name of names) writeFileSync(join(spool, 'incoming', name), 'x')
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(RESTLESS, { eval: true, workerData: { spool, names, stop } })
  await new Promise((resolve) => worker.once('message', resolve))
  try {
    await backUpSpool(spool, copy, { beganAt: systemClock.now(), onFinding: () => {} })
  } finally {
    Atomics.store(stop, 0, 1)
  }
  t.equal(idsIn(copy).size, 50)
})

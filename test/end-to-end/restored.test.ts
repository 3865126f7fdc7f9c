/**
 * restored - real programs on a spool that came back from a backup, with a flood of files made
 * by hand, and mended beside a daemon.
 */
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

import { until } from '../delivery/support.ts'
import { Machine } from './machine.ts'

const COPIES: Readonly<Record<string, (from: string, to: string) => void>> = {
  'cp -r': (from, to) => cpSync(from, to, { recursive: true }),
  tar: (from, to) => {
    mkdirSync(to)
    const line = 'tar -C "$1" -cf - . | tar -C "$2" -xf - -m'
    const { status, stderr } = spawnSync('sh', ['-c', line, 'sh', from, to])
    if (status !== 0) throw new Error(String(stderr))
  },
}

for (const [how, copy] of Object.entries(COPIES))
  t.test(`finding 34: a spool restored with ${how} is served`, async (t) => {
    const machine = new Machine(t)
    const sink = await machine.sink()
    await machine.start()
    await machine.kill('SIGTERM')
    for (let n = 0; n < 5; n++) await machine.look('send', sink.url, 'hello')
    const saved = `${machine.spool}.saved`
    copy(machine.spool, saved)
    rmSync(machine.spool, { recursive: true })
    copy(saved, machine.spool)
    await machine.start()
    await until(() => sink.accepted.size === 5, 'all arrive')
    await until(async () => (await machine.look('check')).code === 0, 'and it is well')
    t.equal(sink.repeats, 0)
  })

t.test('beside a daemon only that is mended which is safe there', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.start()
  const order = join(machine.spool, 'hold/order')
  writeFileSync(order, `${JSON.stringify({ to: sink.url })}\nhello`)
  await machine.msgq('send', '--hold', sink.url, 'hello')
  const held = () =>
    readdirSync(join(machine.spool, 'hold')).filter((name) => name !== 'order')
  await until(() => held().length === 1, 'held')
  const [file] = held()
  cpSync(join(machine.spool, 'hold', file!), join(machine.spool, 'bounce', file!))
  const ran = await machine.msgq('check', '--repair')
  t.match(ran.out, 'mended   hold/order: moved to incoming/')
  t.match(
    ran.out,
    'left: msgqd serves this spool; for twins and broken messages stop it first',
  )
  t.equal(ran.code, 65, 'the twin is left')
  await until(() => sink.accepted.size === 1, 'what was made by hand arrives')
  await machine.kill('SIGTERM')
  t.equal((await machine.msgq('check', '--repair')).code, 0)
  t.equal(held().length, 0)
})

t.test('an operator confirms the clock, with a daemon and without', async (t) => {
  const machine = new Machine(t)
  const doubt = () =>
    writeFileSync(
      join(machine.spool, 'run/clock.json'),
      '{"v":1,"at":"2001-01-01T00:00:00.000Z"}\n',
    )
  await machine.start()
  await machine.kill('SIGTERM')
  doubt()
  await machine.start()
  t.match(
    (await machine.look('status')).out,
    /! the clock went \d+d forward .*check --clock-ok/,
  )
  t.match(JSON.parse((await machine.look('status', '--json')).out), {
    clock: { stepMs: Number },
  })
  t.match((await machine.look('check')).out, /warning {2}clock: in doubt since/)
  t.match((await machine.msgq('check', '--clock-ok')).out, 'is believed again')
  t.match((await machine.look('check', '--clock-ok')).out, 'nothing to do')
  t.notOk(JSON.parse((await machine.look('status', '--json')).out).clock)
  await machine.kill('SIGTERM')
  doubt()
  t.match((await machine.msgq('check', '--clock-ok')).out, 'is believed again')
  await machine.start()
  t.notOk(JSON.parse((await machine.look('status', '--json')).out).clock)
})

/** `MSGQ_FLOOD=100000` for the figure of docs. */
const FLOOD = Number(process.env['MSGQ_FLOOD'] ?? 500)

t.test(`${FLOOD} hand-made files at once`, { timeout: 1_800_000 }, async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.start()
  const yard = join(machine.spool, 'incoming')
  for (let n = 0; n < FLOOD; n++)
    writeFileSync(join(yard, `.o${n}`), `${JSON.stringify({ to: sink.url })}\n${n}`)
  const began = performance.now()
  for (let n = 0; n < FLOOD; n++) renameSync(join(yard, `.o${n}`), join(yard, `o${n}`))
  for (let last = -1; sink.accepted.size < FLOOD && sink.accepted.size !== last;) {
    last = sink.accepted.size
    // Progress, however slow the machine is.
    await until(() => sink.accepted.size > last, 'the next one').catch(() => {})
  }
  const seconds = (performance.now() - began) / 1_000
  t.equal(sink.accepted.size, FLOOD, 'all arrive')
  t.equal(sink.repeats, 0, 'none twice')
  t.comment(`${FLOOD} in ${seconds.toFixed(1)} s`)
  await until(() => readdirSync(yard).length === 0, 'the doorstep is empty')
})

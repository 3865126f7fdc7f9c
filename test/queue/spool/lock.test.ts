import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../../src/base/clock.ts'
import { MsgqError } from '../../../src/base/errors.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { Lock, currentHolder } from '../../../src/queue/spool/lock.ts'

function spool(t: Test): Layout {
  const root = t.testdir()
  mkdirSync(join(root, 'run'))
  return new Layout(root)
}

/** A process that takes the lock, says so, and lives until it is killed. */
async function holder(layout: Layout, path = process.env['PATH']) {
  const lock = resolve('dist/queue/spool/lock.js')
  const script = `
    const { Lock } = await import(${JSON.stringify(lock)})
    const { Layout } = await import(${JSON.stringify(resolve('dist/queue/spool/layout.js'))})
    const { systemClock } = await import(${JSON.stringify(resolve('dist/base/clock.js'))})
    await Lock.take(new Layout(${JSON.stringify(layout.root)}), systemClock)
    console.log('taken')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path, NODE_OPTIONS: '' },
  })
  await once(child.stdout, 'data')
  return child
}

void t.test('one at a time: the second is told who has it', async (t) => {
  const layout = spool(t)
  const lock = await Lock.take(layout, systemClock)
  t.ok(lock.held())
  const error = await Lock.take(layout, systemClock).catch((error: unknown) => error)
  t.ok(error instanceof MsgqError)
  t.match(error, { exitCode: 75, message: new RegExp(`pid ${process.pid} on `) })
  t.match(currentHolder(layout, systemClock), { pid: process.pid, kernel: true })
  await lock.release()
  t.equal(currentHolder(layout, systemClock), undefined, 'free again')
  const next = await Lock.take(layout, systemClock)
  await next.release()
})

void t.test('a holder that was killed blocks nobody for a second', async (t) => {
  const layout = spool(t)
  const child = await holder(layout)
  await t.rejects(Lock.take(layout, systemClock), { message: /is served by another/ })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const began = performance.now()
  const lock = await Lock.take(layout, systemClock)
  // Else it would be believed for ten seconds.
  t.ok(performance.now() - began < 5_000, 'its heartbeat is a relic')
  await lock.release()
})

void t.test(
  'a holder that could not ask the kernel is believed by its heartbeat',
  async (t) => {
    const layout = spool(t)
    const child = await holder(layout, '/nonexistent')
    t.match(JSON.parse(readFileSync(layout.run('lock'), 'utf8')), { kernel: false })
    await t.rejects(Lock.take(layout, systemClock), {
      exitCode: 75,
      message: /by its heartbeat/,
    })
    t.match(currentHolder(layout, systemClock), { pid: child.pid, kernel: false })
    child.kill('SIGKILL')
    await once(child, 'exit')
  },
)

void t.test('an owner whose heartbeat is late has to stop', async (t) => {
  const layout = spool(t)
  let late = 0
  const clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() + late }
  const lock = await Lock.take(layout, clock)
  t.ok(lock.held())
  late = 5_001
  t.notOk(lock.held(), 'late')
  late = 0
  t.notOk(lock.held(), 'and what was lost once stays lost')
  await lock.release()
})

void t.test(
  'what lies in run/lock decides nothing: an old record is no holder',
  async (t) => {
    const layout = spool(t)
    writeFileSync(layout.run('lock'), '{"pid":1,"host":"elsewhere","kernel":true}\n')
    t.equal(currentHolder(layout, systemClock), undefined)
    const lock = await Lock.take(layout, systemClock)
    t.ok(lock.held())
    await lock.release()
  },
)

void t.test('a holder that was killed while it took the lock blocks nobody', async (t) => {
  const record = '{"pid":1,"host":"elsewhere","kernel":true}\n'
  const left = {
    'before it said who it is': '',
    'while it did': `${record}"kernel":true}\n`,
  }
  for (const [when, text] of Object.entries(left))
    await t.test(when, async (t) => {
      const layout = spool(t)
      writeFileSync(layout.run('lock'), text)
      mkdirSync(layout.run('lock.lock'))
      const lock = await Lock.take(layout, systemClock)
      t.match(currentHolder(layout, systemClock), { pid: process.pid, kernel: true })
      await lock.release()
      t.notOk(existsSync(layout.run('lock.lock')))
    })
})

void t.test('a heartbeat whose owner signs a moment later is believed', async (t) => {
  const layout = spool(t)
  writeFileSync(layout.run('lock'), '')
  mkdirSync(layout.run('lock.lock'))
  const taking = Lock.take(layout, systemClock)
  writeFileSync(layout.run('lock'), '{"pid":1,"host":"elsewhere","kernel":false}\n')
  await t.rejects(taking, { exitCode: 75, message: /by its heartbeat/ })
})

void t.test('a disk that fails is said, and no heartbeat is left', async (t) => {
  const layout = spool(t)
  const now = () => {
    throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' })
  }
  const failing = Lock.take(layout, { ...systemClock, now })
  await t.rejects(failing, { exitCode: 75, message: /: input\/output error$/ })
  t.notOk(existsSync(layout.run('lock.lock')))
  const lock = await Lock.take(layout, systemClock)
  await lock.release()
})

void t.test(
  'a daemon that starts waits for a verb, which has the spool for a moment',
  async (t) => {
    const layout = spool(t)
    const verb = await Lock.take(layout, systemClock, true)
    let taken: Lock | undefined
    const daemon = Lock.take(layout, systemClock).then((lock) => {
      taken = lock
    })
    // Longer than it would wait for another daemon.
    await sleep(800)
    t.equal(taken, undefined)
    await verb.release()
    await daemon
    t.ok(taken!.held())
    t.match(currentHolder(layout, systemClock), { pid: process.pid, brief: undefined })
    await taken!.release()
  },
)

void t.test('a flock(1) that cannot be run says nothing of another msgqd', async (t) => {
  const layout = spool(t)
  const lock = await t.mockImport<typeof import('../../../src/queue/spool/lock.ts')>(
    '../../../src/queue/spool/lock.ts',
    {
      'node:child_process': {
        spawnSync: () => ({
          status: null,
          error: Object.assign(new Error('spawn flock EAGAIN'), { code: 'EAGAIN' }),
        }),
      },
    },
  )
  const why = { exitCode: 75, message: /flock\(1\) cannot be run: spawn flock EAGAIN/ }
  await t.rejects(lock.Lock.take(layout, systemClock), why)
  t.throws(() => lock.currentHolder(layout, systemClock), why)
})

import { EventEmitter } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../../src/base/clock.ts'
import { writeFirstLine } from '../../../src/base/durable.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { ring } from '../../../src/queue/spool/outbox.ts'
import { watchWake } from '../../../src/queue/spool/wake.ts'
import { Yard, asPlainUser, sealed } from './yard.ts'

/** To this clock nothing that happens is young: each change counts once. */
const later = { ...systemClock, now: () => Date.now() + 3_600_000 }

async function watched(t: Test, clock = later) {
  const root = t.testdir({ incoming: {}, run: {} })
  const layout = new Layout(root)
  let hints = 0
  const wake = await watchWake(layout, clock, () => hints++)
  t.teardown(() => wake.close())
  // The first look sees the folder for the first time.
  await sleep(400)
  return { layout, hints: () => hints }
}

/** How long something took to happen, in ms; Infinity when it did not. */
async function until(done: () => boolean, atMost = 2_500): Promise<number> {
  const began = performance.now()
  while (!done()) {
    if (performance.now() - began > atMost) return Infinity
    await sleep(2)
  }
  return performance.now() - began
}

void t.test('every byte in run/wake calls back at once', async (t) => {
  const { layout, hints } = await watched(t)
  const took: number[] = []
  for (let n = 0; n < 10; n++) {
    const before = hints()
    writeFirstLine(layout.run('wake'), '')
    took.push(await until(() => hints() > before))
  }
  t.ok(
    took.every((ms) => ms < 2_000),
    took.join(' '),
  )
  const typical = took.toSorted((a, b) => a - b)[5]!
  t.ok(typical < 1_000, `typically ${typical} ms: without a bell it were seconds`)
  t.equal(statSync(layout.run('wake')).size, 1, 'and the file does not grow')
})

void t.test('an arrival without a ring is found within two seconds', async (t) => {
  const { layout, hints } = await watched(t)
  const before = hints()
  writeFileSync(layout.file('incoming', sealed().name), 'x')
  t.ok((await until(() => hints() > before)) < 2_000)
})

void t.test(
  'an arrival in the same tick of the kernel as the last look is found as well',
  async (t) => {
    const { layout, hints } = await watched(t, systemClock)
    writeFileSync(layout.file('incoming', 'one'), 'x')
    await until(() => hints() > 0)
    const before = hints()
    // Were it only the change of the folder's time that counts, this one would wait for long.
    await sleep(300)
    t.ok(
      (await until(() => hints() > before)) < 2_000,
      'while the time is young it is looked again',
    )
  },
)

void t.test('a quiet folder is left alone', async (t) => {
  const { hints } = await watched(t)
  const before = hints()
  await sleep(1_000)
  t.ok(hints() - before <= 1, `${hints() - before} hints`)
})

void t.test('a folder that goes away, or a bell, is no end', async (t) => {
  const { layout, hints } = await watched(t)
  rmSync(layout.run('wake'))
  rmSync(layout.folder('incoming'), { recursive: true })
  ring(layout)
  const before = hints()
  t.ok((await until(() => hints() > before, 6_000)) < 6_000)
  t.notOk(existsSync(layout.run('wake')), 'ringing makes no file')
})

void t.test('where nothing can be watched the looks go on', async (t) => {
  const root = t.testdir({ incoming: {}, run: {} })
  const layout = new Layout(root)
  for (const says of ['error', 'nothing']) {
    // As without an inotify instance left.
    const watch = () => {
      const watcher = new EventEmitter()
      if (says === 'error') setImmediate(() => watcher.emit('error', new Error('EMFILE')))
      return Object.assign(watcher, { close: async () => {} })
    }
    const mocked = await t.mockImport<typeof import('../../../src/queue/spool/wake.ts')>(
      '../../../src/queue/spool/wake.ts',
      { chokidar: { watch } },
    )
    let hints = 0
    const wake = await mocked.watchWake(layout, later, () => hints++)
    writeFileSync(layout.file('incoming', says), 'x')
    t.ok((await until(() => hints > 0)) < 2_000, says)
    await wake.close()
  }
})

void t.test(
  'an engine that watches hears of messages, and of hand-made files',
  async (t) => {
    const yard = await Yard.open(t)
    const other = yard.anotherEngine()
    const taken: string[] = []
    const turn = async () => {
      for (const lease of await yard.engine.claim({ room: () => 9, max: 9 }))
        taken.push(lease.id)
    }
    let timer: NodeJS.Timeout | undefined
    const next = () => {
      void turn().then(() => {
        clearTimeout(timer)
        const due = yard.engine.nextDue(() => 9)
        if (due !== undefined) timer = setTimeout(next, Math.max(due - Date.now(), 0))
      })
    }
    await yard.engine.watch(next)
    const id = await other.enqueue({
      draft: { to: 'ops' },
      body: Buffer.from('x'),
      sender: { uid: 0 },
    })
    t.ok((await until(() => taken.includes(id))) < 2_000)
    appendFileSync(yard.path('incoming', 'by-hand'), '{"to":"ops"}\n')
    const took = await until(() => taken.length === 2, 6_000)
    t.ok(took > 1_900 && took < 6_000, `it rests, and is then not forgotten: ${took} ms`)
    await yard.engine.close()
    clearTimeout(timer)
  },
)

void t.test('where no bell can be made that is said, and arrivals are seen', async (t) => {
  const root = t.testdir({ incoming: {}, run: {} })
  const layout = new Layout(root)
  await asPlainUser(root, async () => {
    chmodSync(`${root}/run`, 0o500)
    const said: string[] = []
    let hints = 0
    const hint = () => hints++
    const wake = await watchWake(layout, later, hint, ({ message }) => said.push(message))
    t.match(said, [/run\/wake: permission denied: what is sent is found by looking$/])
    await sleep(400)
    const before = hints
    writeFileSync(layout.file('incoming', 'x'), '')
    t.ok((await until(() => hints > before)) < 2_500)
    await wake.close()
    chmodSync(`${root}/run`, 0o700)
  })
})

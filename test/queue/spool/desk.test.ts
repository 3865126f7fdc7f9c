import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import t from 'tap'

import * as durable from '../../../src/base/durable.ts'
import type { Act, ActResult } from '../../../src/queue/queue.ts'
import { parseName } from '../../../src/queue/spool/name.ts'
import { Yard, anId, asPlainUser, sealed } from './yard.ts'

const ANN = { by: 'ann' }
const HOUR = 3_600_000

void t.test('a message is shown with what is wrong with it, wherever it is', async (t) => {
  const yard = await Yard.open(t)
  const id = anId()
  const { name, bytes } = sealed({
    id,
    trail: '{"at":"2026-11-20T10:00:00.000Z","act":"flushed"}\n',
  })
  const damaged = Buffer.from(bytes)
  damaged[bytes.indexOf('\n') + 1]! ^= 1
  const cases: [string, Buffer | string, object][] = [
    [
      'whole',
      bytes,
      { defect: undefined, trail: [{ act: 'flushed' }], envelope: { to: 'ops' } },
    ],
    ['damaged', damaged, { defect: /not the one sealed/, trail: [{ act: 'flushed' }] }],
    ['by hand', '{"to":"ops"}\nbody', { defect: /is not sealed yet/, trail: [] }],
    ['newer', '{"v":7}\n', { defect: /format 7 is newer/ }],
    ['garbage', 'garbage', { defect: /no envelope line/ }],
  ]
  for (const [what, content, expected] of cases) {
    yard.put('deferred', name, content)
    const message = await yard.engine.get(id)
    t.match(
      message,
      { entry: { state: 'deferred', id }, size: content.length, ...expected },
      what,
    )
  }
})

void t.test(
  'bodies that do not prove themselves are not shown; raw bytes are',
  async (t) => {
    const yard = await Yard.open(t)
    const { name, bytes, id } = sealed({ body: 'body' })
    for (const content of [bytes.subarray(0, -2), Buffer.from('{"to":"ops"}\nbody')]) {
      yard.put('hold', name, content)
      t.equal(await yard.engine.body(id), undefined)
      const chunks: Buffer[] = []
      for await (const chunk of (await yard.engine.raw(id))!)
        chunks.push(Buffer.from(chunk))
      t.ok(Buffer.concat(chunks).equals(content))
    }
    t.equal(await yard.engine.raw(anId()), undefined)
    const link = sealed()
    symlinkSync('/etc/passwd', yard.path('corrupt', link.name))
    await t.rejects(yard.engine.raw(link.id), {
      code: 'data',
      message: /is a symbolic link/,
    })
  },
)

void t.test('an ending that two messages share is no name for either', async (t) => {
  const yard = await Yard.open(t)
  const ids = ['01JD3Z8K6Q4W5E6R7T8Y777123', '01JD3Z8K6Q4W5E6R7T9Z777123', anId()]
  for (const id of ids) {
    const { name, bytes } = sealed({ id })
    yard.put('bounce', name, bytes)
  }
  t.equal((await yard.engine.find('777123')).length, 2)
  t.equal((await yard.engine.find('y777123')).length, 1, 'in small letters too')
  for (const act of ['requeue', 'delete'] as const) {
    const result = await yard.engine.act(act, { ids: ['777123'] }, ANN)
    t.match(result, {
      matched: 2,
      done: [],
      skipped: [{ why: /its ending/ }, { why: /its ending/ }],
    })
  }
  t.strictSame(yard.where(), { bounce: 3 })
  const result = await yard.engine.act(
    'delete',
    { ids: ['777123', ids[0]!, ids[2]!.slice(-6)] },
    ANN,
  )
  t.strictSame(
    result.done.toSorted(),
    [ids[0], ids[2]].toSorted(),
    'but who names one means it',
  )
})

void t.test(
  'two thousand are acted on in reasonable time, by selector and by id',
  async (t) => {
    const yard = await Yard.open(t)
    const ids: string[] = []
    for (let n = 0; n < 2_000; n++) {
      const { name, bytes, id } = sealed({ due: Date.now() + HOUR })
      yard.put('deferred', name, bytes)
      ids.push(id)
    }
    let turns = 0
    const turning = setInterval(() => turns++, 1)
    const began = performance.now()
    const acts: [Act, object][] = [
      ['hold', { states: ['deferred'] }],
      ['release', { ids }],
      ['expire', { states: ['incoming'] }],
      ['requeue', {}],
    ]
    for (const [act, selector] of acts) {
      const { done, skipped } = await yard.engine.act(act, selector, ANN)
      t.equal(done.length, 2_000, act)
      t.strictSame(skipped, [])
    }
    const took = performance.now() - began
    clearInterval(turning)
    t.ok(took < 40_000, `${Math.round(took)} ms`)
    t.ok(turns > 20, 'and the others in the program had their turns')
    const [file] = yard.ls('incoming')
    const { id } = parseName(file!)!
    t.match(
      (await yard.engine.get(id))?.trail.map((line) => 'act' in line && line.act),
      ['held', 'released', 'expired', 'requeued'],
    )
  },
)

void t.test(
  'what cannot be done is skipped with the reason, and the rest is done',
  async (t) => {
    const yard = await Yard.open(t)
    const { name, bytes, id } = sealed()
    const folder = sealed()
    mkdirSync(yard.path('corrupt', folder.name))
    yard.put('corrupt', name, bytes)
    const result = await yard.engine.act('delete', { states: ['corrupt'] }, ANN)
    t.strictSame(result.done, [id])
    t.match(result.skipped, [{ id: folder.id, why: /is a directory|not permitted/ }])
    await yard.send()
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('hold', ''), 0o500)
      const held = await yard.engine.act('hold', {}, ANN)
      t.match(held, { done: [], skipped: [{ why: 'permission denied' }] })
      chmodSync(yard.path('hold', ''), 0o700)
      t.strictSame(yard.ls('incoming').length, 1)
    })
  },
)

void t.test('a dry run writes, rings and syncs nothing', async (t) => {
  const yard = await Yard.open(t)
  for (const state of ['deferred', 'hold', 'bounce', 'corrupt'] as const) {
    const { name, bytes } = sealed()
    yard.put(state, name, bytes)
  }
  const all = () => readdirSync(yard.root, { recursive: true, encoding: 'utf8' }).toSorted()
  const before = all()
  for (const act of ['flush', 'hold', 'release', 'requeue', 'delete', 'expire'] as const) {
    const { done } = await yard.engine.act(act, {}, { ...ANN, dryRun: true })
    t.ok(done.length > 0, act)
  }
  t.strictSame(all(), before)
})

void t.test(
  'each of two acts at once syncs what it changed before it answers',
  async (t) => {
    const synced: string[] = []
    type Acts = typeof import('../../../src/queue/spool/acts.ts')
    const { Acts } = await t.mockImport<Acts>('../../../src/queue/spool/acts.ts', {
      '../../../src/base/durable.ts': {
        ...durable,
        syncFolder: async (path: string) => {
          await durable.syncFolder(path)
          synced.push(path.split('/').at(-1)!)
        },
      },
    })
    const yard = await Yard.open(t)
    const { Mover } = await import('../../../src/queue/spool/moves.ts')
    const { Roster } = await import('../../../src/queue/spool/roster.ts')
    const mover = new Mover(yard.layout, false)
    const { layout, clock } = yard
    const acts = new Acts(layout, mover, clock, new Roster(layout), yard.engine)
    for (let n = 0; n < 200; n++) {
      const { name, bytes } = sealed()
      yard.put(n % 2 === 0 ? 'hold' : 'bounce', name, bytes)
    }
    const run = async (act: Act, states: string[]): Promise<[ActResult, string[]]> => {
      const result = await acts.act(act, {}, ANN)
      return [result, states.filter((state) => !synced.includes(state))]
    }
    const [released, requeued] = await Promise.all([
      run('release', ['hold', 'incoming']),
      run('requeue', ['bounce', 'incoming']),
    ])
    t.equal(released[0].done.length, 100)
    t.equal(requeued[0].done.length, 100)
    t.strictSame([released[1], requeued[1]], [[], []], 'nothing was answered unsynced')
  },
)

void t.test('a message that moves while it is looked for is found', async (t) => {
  const yard = await Yard.open(t)
  const { name, bytes, id } = sealed()
  yard.put('deferred', name, bytes)
  let file = yard.path('deferred', name)
  const moving = new AbortController()
  // Against the order in which the folders are read, as fast as it goes.
  const mover = (async () => {
    for (let n = 0; !moving.signal.aborted; n++) {
      const to = yard.path(n % 2 === 0 ? 'incoming' : 'deferred', name)
      renameSync(file, to)
      file = to
      await new Promise(setImmediate)
    }
  })()
  let missed = 0
  for (let n = 0; n < 100; n++) if ((await yard.engine.find(id)).length !== 1) missed++
  moving.abort()
  await mover
  t.ok(missed <= 15, `missed ${missed} of 100`)
  t.match(await yard.engine.get(id), { envelope: { id } })
})

void t.test(
  'an operator and a daemon at the same messages: each ends in one place',
  async (t) => {
    const yard = await Yard.open(t)
    const ids: string[] = []
    for (let n = 0; n < 400; n++) ids.push(await yard.send({ to: `lane${n % 5}` }))
    // Another program, so that the two really race.
    const script = `
    const { SpoolEngine } = await import(${JSON.stringify(resolve('dist/queue/spool/spool.js'))})
    const { systemClock } = await import(${JSON.stringify(resolve('dist/base/clock.js'))})
    const desk = new SpoolEngine(${JSON.stringify(yard.root)}, { clock: systemClock, anyFilesystem: true })
    const acts = ['hold', 'release', 'flush', 'expire', 'requeue']
    const done = {}
    console.log('up')
    const until = Date.now() + 1_000
    for (let n = 0; Date.now() < until; n++) {
      const act = acts[n % acts.length]
      const result = await desk.act(act, { limit: 40 }, { by: 'ann' })
      done[act] = (done[act] ?? 0) + result.done.length
    }
    console.log(JSON.stringify(done))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    let settled = 0
    const over = new AbortController()
    void exited.then(() => over.abort())
    while (!over.signal.aborted) {
      const leases = await yard.claim({ room: () => 10, max: 50 })
      await new Promise(setImmediate)
      for (const lease of leases) {
        const due = yard.clock.now() + 10
        const answer = await yard.engine.settle(lease, {
          to: 'deferred',
          due,
          line: yard.line(),
        })
        if (answer === 'ok') settled++
      }
    }
    const done = JSON.parse(said.split('\n')[1]!) as Record<string, number>
    t.comment(JSON.stringify({ done, settled }))
    t.ok(settled > 0 && (done['flush'] ?? 0) > 0, 'both had their share')
    t.strictSame(yard.ids().toSorted(), ids.toSorted(), 'each once, none lost')
    t.strictSame(yard.said('corrupt'), [])
    // The next looks know where the listing saw them.
    await yard.engine.list({}, { limit: 1_000 })
    for (const id of ids) {
      const message = await yard.engine.get(id)
      t.equal(message?.defect, undefined)
      t.equal(message?.envelope?.id, id)
    }
  },
)

void t.test('a folder that cannot be read is an error that says which', async (t) => {
  const yard = await Yard.open(t)
  rmdirSync(yard.path('hold', ''))
  writeFileSync(yard.path('hold', '').replace(/\/$/, ''), '')
  const act = yard.engine.act('release', { states: ['hold'] }, { by: 'me' })
  await t.rejects(act, { code: 'cannot-create', message: /\/hold: not a directory$/ })
})

void t.test(
  'what cannot be read is not sent before its time, unless it is named',
  async (t) => {
    const yard = await Yard.open(t)
    const notBefore = new Date(yard.clock.now() + HOUR).toISOString()
    const id = await yard.send({ to: 'ops', notBefore })
    await yard.claim()
    const file = yard.only('deferred')
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('deferred', file), 0)
      for (const act of ['flush', 'requeue'] as const) {
        const selector = act === 'flush' ? {} : { states: ['deferred'] as const }
        const { done, skipped } = await yard.engine.act(act, selector, ANN)
        t.strictSame(done, [])
        t.strictSame(skipped, [{ id, why: 'permission denied' }], act)
      }
      t.strictSame(yard.ls('deferred'), [file])
      const { done } = await yard.engine.act('flush', { ids: [id] }, ANN)
      t.strictSame(done, [id], 'whoever names it means it')
      await yard.engine.close()
    })
  },
)

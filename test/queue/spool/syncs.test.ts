import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import * as durable from '../../../src/base/durable.ts'
import type { Report } from '../../../src/queue/queue.ts'
import { FolderSync } from '../../../src/queue/spool/folder-sync.ts'
import { Guests } from '../../../src/queue/spool/guests.ts'
import { Mover } from '../../../src/queue/spool/moves.ts'
import { sealed, Yard } from './yard.ts'

/** Loads a module of the spool whose folder syncs are told, or fail. */
async function told<T>(t: Test, module: string, fail = false) {
  const synced: string[] = []
  const loaded = await t.mockImport<T>(`../../../src/queue/spool/${module}.ts`, {
    '../../../src/base/durable.ts': {
      ...durable,
      syncFolder: async (path: string) => {
        synced.push(path.split('/').at(-1)!)
        if (fail) throw Object.assign(new Error('EIO'), { code: 'EIO' })
        await durable.syncFolder(path)
      },
    },
  })
  return { loaded, synced }
}

void t.test('what was moved is synced once a second, and at the end', async (t) => {
  const { loaded, synced } = await told<{ FolderSync: typeof FolderSync }>(t, 'folder-sync')
  const yard = await Yard.open(t)
  const mover = new Mover(yard.layout, false)
  const sync = new loaded.FolderSync(yard.layout, mover, () => {})
  sync.soon()
  t.strictSame(synced, [], 'nothing was moved')
  for (let n = 0; n < 5; n++) {
    const { name, bytes } = sealed()
    yard.put('active', name, bytes)
    mover.move('active', name, 'bounce')
    sync.soon()
  }
  t.strictSame(synced, [], 'not each by itself')
  await sleep(1_300)
  t.strictSame(synced.toSorted(), ['active', 'bounce'])
  mover.touched.add('hold')
  await sync.close()
  t.strictSame(synced.slice(2), ['hold'])
})

void t.test(
  'a sync while a file is being removed is not the one that counts',
  async (t) => {
    const yard = await Yard.open(t)
    const mover = new Mover(yard.layout, false)
    const { name, bytes } = sealed()
    yard.put('active', name, bytes)
    const removed = mover.removeAside('active', name)
    mover.touched.clear()
    t.equal(await removed, true)
    t.strictSame([...mover.touched], ['active'], 'it is to be synced again')
  },
)

void t.test('a sync that fails is said, and stops no other', async (t) => {
  const reports: Report[] = []
  const { loaded, synced } = await told<{ FolderSync: typeof FolderSync }>(
    t,
    'folder-sync',
    true,
  )
  const yard = await Yard.open(t)
  const mover = new Mover(yard.layout, false)
  const sync = new loaded.FolderSync(yard.layout, mover, (report) => reports.push(report))
  mover.touched.add('active').add('hold')
  await t.resolves(sync.close())
  t.strictSame(synced, ['active', 'hold'])
  t.match(reports, [
    { event: 'trouble', message: 'sync of active/: input/output error' },
    { message: 'sync of hold/: input/output error' },
  ])
})

void t.test('what a sync could not make durable is owed to the next one', async (t) => {
  let isBroken = true
  const yard = await Yard.open(t)
  const mover = new Mover(yard.layout, false)
  const synced: string[] = []
  const sync = new FolderSync(
    yard.layout,
    mover,
    () => {},
    async (path) => {
      synced.push(path.split('/').at(-1)!)
      if (isBroken) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
    },
  )
  mover.touched.add('active').add('deferred')
  await t.rejects(sync.now(), { code: 'EMFILE' })
  isBroken = false
  await sync.now()
  t.strictSame(synced, ['active', 'deferred', 'active', 'deferred'])
  await sync.now()
  t.equal(synced.length, 4, 'and then no more')
})

void t.test(
  'the id of an adopted file is durable before the file can go out',
  async (t) => {
    const { loaded, synced } = await told<{ Guests: typeof Guests }>(t, 'guests')
    const yard = await Yard.open(t)
    const { ClaimTable } = await import('../../../src/queue/spool/claims.ts')
    const { Agenda } = await import('../../../src/queue/spool/agenda.ts')
    const { KeyGate } = await import('../../../src/queue/spool/key-gate.ts')
    const { Quota, UNBOUND } = await import('../../../src/queue/spool/quota.ts')
    const { layout, clock } = yard
    const mover = new Mover(layout, false)
    const plain = { layout, mover, clock, report: () => {}, note: () => {} }
    const gate = new KeyGate({ ...plain, keyWindow: 1_000 })
    const deps = { ...plain, gate, agenda: new Agenda() }
    const claims = new ClaimTable(deps)
    const guests = new loaded.Guests({
      ...deps,
      claims,
      quota: new Quota({ ...deps, claims, bounds: UNBOUND }),
      messageSizeLimit: 1_000,
      again: () => {},
    })
    t.strictSame(await guests.seal(), [])
    t.strictSame(synced, [], 'without guests nothing is synced')
    for (let n = 0; n < 3; n++) {
      const name = { due: 1_000, tries: 0, lane: '_adopt', claim: `x${n}` }
      const { name: file, id } = sealed(name)
      yard.put('active', file, '{"to":"ops"}\nbody')
      guests.add({ name: { ...name, id } })
    }
    const [waiting, ...others] = await guests.seal()
    t.equal(others.length, 2)
    t.equal(waiting?.state, 'incoming')
    t.strictSame(synced, ['active'], 'once for all of them')
  },
)

void t.test(
  'on a file system without a journal each rename is followed by its syncs',
  async (t) => {
    const yard = await Yard.open(t)
    if (spawnSync('strace', ['-V']).status !== 0)
      return t.pass('strace', { skip: 'no strace(1) here' })
    const { name, bytes } = sealed()
    yard.put('incoming', name, bytes)
    const log = join(yard.root, 'strace')
    const script = `
    const { Mover } = await import(${JSON.stringify(new URL('../../../dist/queue/spool/moves.js', import.meta.url).href)})
    const { Layout } = await import(${JSON.stringify(new URL('../../../dist/queue/spool/layout.js', import.meta.url).href)})
    const mover = new Mover(new Layout(${JSON.stringify(yard.root)}), true)
    mover.move('incoming', ${JSON.stringify(name)}, 'hold')`
    const ran = spawnSync(
      'strace',
      [
        '-f',
        '-e',
        'trace=rename,fsync',
        '-o',
        log,
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ],
      { env: { ...process.env, NODE_OPTIONS: '' } },
    )
    if (ran.status !== 0) return t.pass('strace', { skip: 'strace(1) may not trace here' })
    const calls = readFileSync(log, 'utf8').match(/\b(?:rename|fsync)(?=\()/g)
    t.strictSame(calls, ['rename', 'fsync', 'fsync'])
  },
)

void t.test(
  'there, a sync that fails does not unmake the rename: it is owed to the next one',
  async (t) => {
    const { Mover } = await t.mockImport<
      typeof import('../../../src/queue/spool/moves.ts')
    >('../../../src/queue/spool/moves.ts', {
      '../../../src/base/durable.ts': {
        ...durable,
        syncFolderSync: () => {
          throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
        },
      },
    })
    const yard = await Yard.open(t)
    const { name, bytes } = sealed()
    yard.put('incoming', name, bytes)
    const mover = new Mover(yard.layout, true)
    t.equal(mover.claim('incoming', name, `${name}#x`), true)
    t.strictSame([...mover.touched].toSorted(), ['active', 'incoming'])
    t.equal(mover.move('active', `${name}#x`, 'hold', name), name)
    t.strictSame([...mover.touched].toSorted(), ['active', 'hold', 'incoming'])
  },
)

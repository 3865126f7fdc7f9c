import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import * as durable from '../../../src/base/durable.ts'
import { seal } from '../../../src/message/envelope.ts'
import { keyDigest } from '../../../src/message/key.ts'
import type { Keyed } from '../../../src/message/key.ts'
import type { Draft } from '../../../src/message/draft.ts'
import { KeyBook } from '../../../src/queue/spool/key-book.ts'
import { KeyGate } from '../../../src/queue/spool/key-gate.ts'
import { pruneKeys } from '../../../src/queue/spool/key-prune.ts'
import { Mover } from '../../../src/queue/spool/moves.ts'
import { readEnvelope } from '../../../src/queue/spool/read.ts'
import type { Spotted } from '../../../src/queue/spool/roster.ts'
import { waitingIn } from '../../../src/queue/spool/waiting.ts'
import { Yard, anId, asPlainUser, give } from './yard.ts'

const WINDOW = 86_400_000
const KEYED: Draft = { to: 'ops', key: '42' }

/** A gate of its own on the spool of a yard that nobody serves. */
async function gateOf(t: Parameters<typeof Yard.open>[0]) {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const { layout, clock, reports } = yard
  const gate = new KeyGate({
    layout,
    mover: new Mover(layout, false),
    clock,
    report: (report) => reports.push(report),
    keyWindow: WINDOW,
  })
  const ask = async () => {
    const id = await yard.send(KEYED)
    const file = yard.ls('incoming').find((name) => name.includes(id))!
    gate.ask(waitingIn('incoming', file)!)
    return { id, file }
  }
  return { yard, gate, ask }
}

function records({ root }: Yard): string[] {
  return readdirSync(join(root, 'keys'))
}

void t.test('a record names the message and what it says, and nothing else', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send({ ...KEYED, subject: 'secret' })
  t.strictSame(records(yard), [], 'the sender writes none')
  await yard.lease()
  const [name] = records(yard)
  t.match(name, /^[0-9a-f]{64}$/)
  const record = JSON.parse(readFileSync(join(yard.root, 'keys', name!), 'utf8'))
  t.match(record, { id, fingerprint: /^[0-9a-f]{64}$/ })
  t.strictSame(Object.keys(record), ['id', 'fingerprint'])
})

void t.test(
  'where no record can be written the message waits, and is said once',
  async (t) => {
    const yard = await Yard.open(t)
    rmSync(join(yard.root, 'keys'), { recursive: true })
    writeFileSync(join(yard.root, 'keys'), 'in the way')
    const keyed = await yard.send(KEYED)
    const plain = await yard.send()
    const [lease, ...others] = await yard.claim()
    t.equal(lease?.id, plain, 'others are not kept waiting')
    t.strictSame(others, [])
    for (let n = 0; n < 3; n++) t.strictSame(await yard.claim(), [])
    t.match(yard.said('unreadable'), [{ message: /incoming\/.*it stays there/ }])
    t.equal(yard.said('unreadable').length, 1)
    rmSync(join(yard.root, 'keys'))
    yard.clock.pass(61_000)
    t.equal((await yard.lease()).id, keyed, 'and the folder is made anew')
  },
)

void t.test('a record that cannot be read decides nothing', async (t) => {
  const yard = await Yard.open(t)
  const first = await yard.send(KEYED)
  const lease = await yard.lease()
  await yard.engine.settle(lease, { to: 'delivered' })
  const [name] = records(yard)
  const repeat = await yard.send(KEYED)
  give(yard.root, 65_534)
  await asPlainUser(yard.root, async () => {
    chmodSync(join(yard.root, 'keys', name!), 0)
    t.strictSame(await yard.claim(), [])
    t.ok(yard.ids().includes(repeat))
    chmodSync(join(yard.root, 'keys', name!), 0o640)
    yard.clock.pass(61_000)
    t.strictSame(await yard.claim(), [])
    t.equal(await yard.engine.firstOf(repeat), first)
  })
})

void t.test('a record that says nothing is no record', async (t) => {
  const yard = await Yard.open(t)
  for (const text of ['', 'x', 'null', '{}', '{"id":7}', `{"id":"${anId()}"}`]) {
    await yard.send(KEYED)
    const lease = await yard.lease()
    await yard.engine.settle(lease, { to: 'delivered' })
    for (const name of records(yard)) writeFileSync(join(yard.root, 'keys', name), text)
  }
})

void t.test('a record without its message swallows no other one', async (t) => {
  const { yard, gate, ask } = await gateOf(t)
  const { file } = await ask()
  rmSync(yard.path('incoming', file))
  t.strictSame(await gate.decide(), [])
  t.strictSame(records(yard), [], 'an operator deleted it before it was asked')

  const book = gate.book
  const write = book.write.bind(book)
  const late = await ask()
  book.write = async (envelope, now) => {
    rmSync(yard.path('incoming', late.file))
    await write(envelope, now)
  }
  t.strictSame(await gate.decide(), [])
  t.strictSame(records(yard), [], 'or while its record was written')
})

void t.test('nobody goes on before the folder of the records is synced', async (t) => {
  const { yard, gate, ask } = await gateOf(t)
  const { id } = await ask()
  const { book } = gate
  const sync = book.sync.bind(book)
  book.sync = async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  t.strictSame(await gate.decide(), [])
  t.equal(records(yard).length, 1)
  const { envelope, trail } = (await yard.engine.get(id))!
  t.notOk(gate.passes(envelope!, trail), 'though its record is there')
  t.match(yard.reports, [{ event: 'unreadable', message: /^keys\/: input\/output error/ }])
  book.sync = sync
  t.ok(gate.nextLook! > yard.clock.now() + 50_000)
  yard.clock.pass(61_000)
  t.match(await gate.decide(), [{ id }])
  t.ok(gate.passes(envelope!, trail))

  const again = new KeyGate({
    layout: yard.layout,
    mover: new Mover(yard.layout, false),
    clock: yard.clock,
    report: () => {},
    keyWindow: WINDOW,
  })
  t.notOk(again.passes(envelope!, trail), 'nor after a restart, which knows of no sync')
})

void t.test('old records go, and those of messages that are still here stay', async (t) => {
  const yard = await Yard.open(t)
  const { layout, clock } = yard
  const book = new KeyBook(layout)
  const gone = await yard.send({ to: 'ops', key: 'gone' })
  await yard.engine.settle(await yard.lease(), { to: 'delivered' })
  const repeat = await yard.send({ to: 'ops', key: 'gone' })
  t.strictSame(await yard.claim(), [])
  t.equal(await yard.engine.firstOf(repeat), gone)
  await yard.send({ to: 'ops', key: 'held', hold: true })
  t.strictSame(await yard.claim(), [])
  writeFileSync(layout.key('.left'), 'half a rec')
  const [old] = [Date.now() / 1000 - 2 * 86_400]
  utimesSync(layout.key('.left'), old!, old!)
  t.equal(records(yard).length, 4)

  const prune = () => pruneKeys({ layout, clock, book, keyWindow: WINDOW })
  t.equal(await prune(), 0)
  t.equal(records(yard).length, 3, 'what was left half-written is no record')
  clock.pass(WINDOW - 60_000)
  t.equal(await prune(), 0)
  clock.pass(120_000)
  t.equal(await prune(), 2, 'the record, and what it was told of the repeat')
  t.equal(records(yard).length, 1)
  const held = await yard.send({ to: 'ops', key: 'held', hold: true })
  await yard.claim()
  t.ok(await yard.engine.firstOf(held), 'the key of a held message counts for ever')
})

void t.test('the daemon prunes by itself, when it believes the clock', async (t) => {
  let isSure = false
  const yard = await Yard.open(t, { mayExpire: () => isSure })
  await yard.send(KEYED)
  await yard.engine.settle(await yard.lease(), { to: 'delivered' })
  yard.clock.pass(2 * WINDOW)
  for (let n = 0; n < 3; n++) {
    yard.clock.run(700_000)
    await yard.claim()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.equal(records(yard).length, 1)
  isSure = true
  for (let n = 0; n < 200 && records(yard).length > 0; n++) {
    yard.clock.run(700_000)
    await yard.claim()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.strictSame(records(yard), [])
})

void t.test('a file by hand has its key too, and it is that of its owner', async (t) => {
  const yard = await Yard.open(t)
  yard.put('incoming', 'one', '{"to":"ops","key":"42"}\nhello')
  const [lease] = await yard.adopt()
  t.ok(lease)
  const sender = { uid: process.getuid!() }
  const body = Buffer.from('hello')
  const envelope = seal(KEYED, body, { id: anId(), now: 0, sender }) as Keyed
  t.ok(existsSync(join(yard.root, 'keys', keyDigest(envelope))))
  const repeat = await yard.send(KEYED, 'hello')
  t.strictSame(await yard.claim(), [])
  t.equal(await yard.engine.firstOf(repeat), lease!.id)
})

void t.test('a delete that fails half-way gives the key back', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send(KEYED)
  const lease = await yard.lease()
  const due = yard.clock.now() + 3_600_000
  await yard.engine.settle(lease, { to: 'deferred', due, line: yard.line() })
  give(yard.root, 65_534)
  await asPlainUser(yard.root, async () => {
    chmodSync(join(yard.root, 'deferred'), 0o550)
    const { skipped } = await yard.engine.act('delete', { ids: [id] }, { by: 'ann' })
    chmodSync(join(yard.root, 'deferred'), 0o750)
    t.match(skipped, [{ id, why: 'permission denied' }])
    const repeat = await yard.send(KEYED)
    t.strictSame(await yard.claim(), [])
    t.equal(await yard.engine.firstOf(repeat), id)
  })
})

void t.test('a record that is taken back again is durably gone', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const { layout, clock } = yard
  const id = await yard.send(KEYED)
  const file = yard.only('incoming')
  const path = yard.path('incoming', file)
  const envelope = readEnvelope(path) as Keyed
  const steps: string[] = []
  let onWrite = () => {}
  const disk = {
    '../../../src/base/durable.ts': {
      ...durable,
      writeStaged: async (...args: Parameters<typeof durable.writeStaged>) => {
        await durable.writeStaged(...args)
        onWrite()
      },
      removeSync: (gone: string) => {
        const was = durable.removeSync(gone)
        if (was) steps.push('remove')
        return was
      },
      syncFolder: async (folder: string) => {
        steps.push('sync')
        await durable.syncFolder(folder)
      },
    },
  }
  type Release = typeof import('../../../src/queue/spool/key-release.ts')
  const { KeyRelease } = await t.mockImport<Release>(
    '../../../src/queue/spool/key-release.ts',
    disk,
  )
  await new KeyBook(layout).write(envelope, clock.now())
  const spotted = { entry: { id, state: 'incoming' }, file } as Spotted
  const release = await KeyRelease.of(layout, [spotted])
  t.strictSame(steps.splice(0), ['remove', 'sync'])
  await release.end()
  t.strictSame(steps, [], 'nothing came of it since')
  await new KeyBook(layout).write(envelope, clock.now())
  release.deleted(id)
  await release.end()
  t.strictSame(steps.splice(0), ['remove', 'sync'], 'the daemon gave it one in between')

  type Gate = typeof import('../../../src/queue/spool/key-gate.ts')
  const loaded = await t.mockImport<Gate>('../../../src/queue/spool/key-gate.ts', disk)
  const mover = new Mover(layout, false)
  const plain = { layout, mover, clock, report: () => {}, keyWindow: WINDOW }
  const gate = new loaded.KeyGate(plain)
  onWrite = () => rmSync(path)
  gate.ask(waitingIn('incoming', file)!)
  t.strictSame(await gate.decide(), [])
  t.strictSame(records(yard), [], 'an operator deleted it meanwhile')
  t.strictSame(steps.splice(0), ['remove', 'sync'])
  t.strictSame([await gate.decide(), steps], [[], []], 'and nobody asks')
})

void t.test('without a folder keys/ a delete is a delete', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send(KEYED)
  rmSync(join(yard.root, 'keys'), { recursive: true })
  t.match(await yard.engine.act('delete', { ids: [id] }, { by: 'ann' }), { done: [id] })
  t.equal(await yard.engine.firstOf(id), undefined)
  mkdirSync(join(yard.root, 'keys'))
})

void t.test('what cannot be read may have a key, and is not deleted', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send(KEYED)
  const lease = await yard.lease()
  const due = yard.clock.now() + 3_600_000
  await yard.engine.settle(lease, { to: 'deferred', due, line: yard.line() })
  const [file = ''] = readdirSync(join(yard.root, 'deferred'))
  const path = join(yard.root, 'deferred', file)
  give(yard.root, 65_534)
  await asPlainUser(yard.root, async () => {
    chmodSync(path, 0)
    const { skipped } = await yard.engine.act('delete', { ids: [id] }, { by: 'ann' })
    t.match(skipped, [{ id, why: /^it may have a key, .*: permission denied$/ }])
    chmodSync(path, 0o640)
    t.match(await yard.engine.act('delete', { ids: [id] }, { by: 'ann' }), { done: [id] })
  })
  t.strictSame(records(yard), [])
})

void t.test(
  'a message is deleted in flight only once its key surely is gone',
  async (t) => {
    const yard = await Yard.open(t)
    const id = await yard.send(KEYED)
    const lease = await yard.lease()
    const keys = join(yard.root, 'keys')
    await asPlainUser(yard.root, async () => {
      // Records can be removed, and the folder cannot be opened to sync it.
      chmodSync(keys, 0o300)
      for (const which of ['first', 'second'])
        await t.rejects(yard.engine.settle(lease, { to: 'deleted' }), `the ${which} try`)
      t.strictSame(yard.where(), { active: 1 })
      chmodSync(keys, 0o750)
      t.strictSame(readdirSync(keys), [])
      t.equal(await yard.engine.settle(lease, { to: 'deleted' }), 'ok')
      t.equal(await yard.engine.get(id), undefined)
    })
  },
)

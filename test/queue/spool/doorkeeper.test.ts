import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { parseName } from '../../../src/queue/spool/name.ts'
import { MOVES } from '../../../src/queue/spool/moves.ts'
import { SpoolOutbox, ring } from '../../../src/queue/spool/outbox.ts'
import { Parking } from '../../../src/queue/spool/parking.ts'
import type { Waiting } from '../../../src/queue/spool/waiting.ts'
import { NEEDS_ROOT, RESTED, Yard, asPlainUser, sealed } from './yard.ts'

const OPS = '{"to":"ops"}\n'
const HOUR = 3_600_000

void t.test(
  'links, folders and FIFOs end in corrupt/, whatever they are called',
  async (t) => {
    for (const ours of [false, true]) {
      const yard = await Yard.open(t)
      const called = (name: string) => (ours ? sealed().name : name)
      const secret = `${yard.root}/secret`
      writeFileSync(secret, 'not to be read')
      symlinkSync(secret, yard.path('incoming', called('link')))
      symlinkSync('/nonexistent/x', yard.path('incoming', called('dangling')))
      const folder = yard.path('incoming', called('folder'))
      mkdirSync(folder)
      writeFileSync(`${folder}/inside`, 'x')
      execFileSync('mkfifo', [yard.path('incoming', called('fifo'))])
      const before = lstatSync(secret).atimeMs
      await yard.claim()
      yard.clock.pass(RESTED)
      t.strictSame(await yard.claim(), [])
      t.strictSame(yard.where(), { corrupt: 4 })
      const reasons = yard.said('corrupt').map(({ message }) => message.split(',')[0])
      t.strictSame(reasons.toSorted(), [
        'put into corrupt/: is a FIFO',
        'put into corrupt/: is a directory',
        'put into corrupt/: is a symbolic link',
        'put into corrupt/: is a symbolic link',
      ])
      t.equal(lstatSync(secret).atimeMs, before)
      t.equal(lstatSync(secret).size, 14, 'no reason was written through the link')
      for (const file of yard.ls('corrupt')) {
        const { id } = parseName(file)!
        t.match(await yard.engine.get(id), { defect: /^is a .*, not a file$/ })
        t.equal(await yard.engine.body(id), undefined)
      }
    }
  },
)

void t.test('a writer who waits at a FIFO is not kept company', async (t) => {
  const yard = await Yard.open(t)
  const fifo = yard.path('incoming', 'fifo')
  execFileSync('mkfifo', [fifo])
  const fd = openSync(fifo, 'r+')
  writeSync(fd, OPS)
  await yard.claim()
  t.strictSame(yard.where(), { corrupt: 1 })
  closeSync(fd)
})

void t.test('a socket and a device end in corrupt/', async (t) => {
  const yard = await Yard.open(t)
  const server = createServer()
  const socket = `/proc/self/fd/${openSync(yard.path('incoming', ''), 'r')}/socket`
  server.listen(socket)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const device = spawnSync('mknod', [yard.path('incoming', 'device'), 'c', '1', '3'])
  const expected = device.status === 0 ? 2 : 1
  await yard.claim()
  t.strictSame(yard.where(), { corrupt: expected })
  t.ok(
    yard
      .said('corrupt')
      .every(({ message }) => /is a (socket|device), not a file/.test(message)),
  )
})

void t.test('a name that is no text is taken in all the same', async (t) => {
  const yard = await Yard.open(t)
  const folder = Buffer.from(`${yard.path('incoming', '')}/`)
  for (const name of [
    Buffer.from('caf\xe9', 'latin1'),
    Buffer.from([0xff, 0xfe, 0x0a, 0x1b]),
  ])
    writeFileSync(Buffer.concat([folder, name]), `${OPS}${name.length}`)
  writeFileSync(Buffer.concat([folder, Buffer.from('.\xff', 'latin1')]), 'staged')
  await yard.claim()
  const leases = await yard.adopt()
  t.equal(leases.length, 2)
  const bodies = await Promise.all(
    leases.map(async (lease) => String(await yard.bodyOf(lease))),
  )
  t.strictSame(bodies, ['4', '4'])
  t.equal(readdirSync(yard.path('incoming', '')).length, 1, 'what has a dot is left alone')
  for (const { message } of yard.said('adopted')) t.match(message, /^adopted [\x21-\x7e]+$/)
})

void t.test('hostile names do no harm to whoever reads the log', async (t) => {
  const yard = await Yard.open(t)
  for (const name of ['a\nb', '\u001b[2Jx', 'x\u202ey', 'x'.repeat(255), '#', '-rf', '*'])
    yard.put('incoming', name, OPS)
  const leases = await yard.adopt()
  t.equal(leases.length, 7)
  for (const { message } of yard.reports) t.notMatch(message, /[\p{Cc}\p{Cf}]/u)
})

void t.test(
  'a file that may not be read stays, is named once, and stops no other',
  async (t) => {
    const yard = await Yard.open(t)
    await asPlainUser(yard.root, async () => {
      yard.put('incoming', 'secret', OPS)
      chmodSync(yard.path('incoming', 'secret'), 0)
      yard.put('incoming', 'open', `${OPS}open`)
      const [lease, ...others] = await yard.adopt()
      t.strictSame(others, [])
      t.equal((await yard.bodyOf(lease!)).toString(), 'open')
      t.strictSame(yard.where(), { incoming: 1, active: 1 })
      for (let n = 0; n < 3; n++) {
        yard.clock.pass(70_000)
        await yard.claim()
      }
      t.match(yard.said('unreadable'), [
        { message: /^incoming\/secret: permission denied; it stays/ },
      ])
      t.equal(yard.said('unreadable').length, 1)
      chmodSync(yard.path('incoming', 'secret'), 0o600)
      yard.clock.pass(70_000)
      const late = await yard.claim()
      yard.clock.pass(RESTED)
      t.equal(
        late.length + (await yard.claim()).length,
        1,
        'and goes out once it may be read',
      )
      await yard.engine.close()
    })
  },
)

void t.test(
  'a message that may not be read waits uncharged, and stops no other',
  async (t) => {
    const yard = await Yard.open(t)
    await asPlainUser(yard.root, async () => {
      const [secret, open] = [await yard.send(), await yard.send()]
      const file = yard.ls('incoming').find((name) => name.includes(secret))!
      chmodSync(yard.path('incoming', file), 0)
      t.equal((await yard.lease()).id, open)
      t.match((await yard.engine.get(secret))?.entry, { state: 'deferred', tries: 0 })
      t.match(await yard.engine.get(secret), {
        defect: 'cannot be read: permission denied',
      })
      t.match(yard.said('unreadable'), [
        { id: secret, message: /cannot be read: permission denied/ },
      ])
      chmodSync(yard.path('deferred', yard.only('deferred')), 0o600)
      yard.clock.pass(61_000)
      t.equal((await yard.lease()).id, secret)
      await yard.engine.close()
    })
  },
)

void t.test('what cannot be moved stays, is named once, and stops no other', async (t) => {
  const yard = await Yard.open(t)
  await asPlainUser(yard.root, async () => {
    // A folder that we may not write cannot be moved to another one.
    for (const name of ['folder', sealed().name]) {
      mkdirSync(yard.path('incoming', name))
      chmodSync(yard.path('incoming', name), 0o500)
    }
    const id = await yard.send()
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      ids.push(...(await yard.claim().catch(() => [])).map((lease) => lease.id))
      yard.clock.pass(1_000)
    }
    t.strictSame(ids, [id])
    t.equal(yard.ls('incoming').length, 2)
    t.equal(yard.said('unreadable').length, 1)
    t.match(yard.said('unreadable'), [{ message: /^incoming\/folder: permission denied/ }])
    for (const name of yard.ls('incoming')) chmodSync(yard.path('incoming', name), 0o700)
    await yard.engine.close()
  })
})

void t.test(
  "a message of a later msgq stays where it is, is named once, and is nobody's",
  async (t) => {
    const yard = await Yard.open(t)
    const newer = Buffer.from('{"v":2,"body":{"at":"the end"}}\n\0\0')
    const due = sealed().name
    const later = sealed({ due: Date.now() + HOUR }).name
    const deferred = sealed().name
    const byHand = 'by-hand'
    for (const name of [due, later, byHand]) yard.put('incoming', name, newer)
    yard.put('deferred', deferred, newer)
    await yard.restart()
    for (let n = 0; n < 5; n++) {
      t.strictSame(await yard.claim(), [])
      yard.clock.pass(HOUR / 2)
    }
    t.strictSame(yard.ls('incoming').toSorted(), [due, later, byHand].toSorted())
    t.strictSame(yard.ls('deferred'), [deferred])
    t.equal(yard.said('newer').length, 4, 'each once')
    t.ok(
      yard
        .said('newer')
        .every(({ message }) => /format 2 is newer than this msgq/.test(message)),
    )
    t.ok(yard.read('deferred', deferred).equals(newer), 'not a byte was added')
    await yard.claim()
    const next = yard.engine.nextDue(() => 1) ?? Infinity
    t.ok(next > yard.clock.now() + 1_000, 'and nobody runs in circles for them')
  },
)

void t.test('what is not due, or too much, does not stand on the doorstep', async (t) => {
  const yard = await Yard.open(t)
  const notBefore = new Date(yard.clock.now() + HOUR).toISOString()
  await yard.send({ to: 'ops', notBefore })
  await yard.send({ to: 'ops', notBefore, hold: true })
  await yard.claim({ room: () => 0 })
  t.strictSame(yard.where(), { deferred: 1, hold: 1 })
  t.match(yard.read('hold').toString(), /"act":"held","reason":"its sender said hold"/)
})

void t.test(
  'a flood is moved on in slices, and comes out whole and in order',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    const ids: string[] = []
    for (let n = 0; n < 3_000; n++) {
      const { name, bytes, id } = sealed({ due: Date.now() - 100_000 + n })
      yard.put('incoming', name, bytes)
      ids.push(id)
    }
    await yard.restart()
    let moved = 0
    for (let n = 0; n < 60; n++) {
      await yard.claim({ room: () => 0 })
      const now = yard.where().deferred ?? 0
      t.ok(now - moved <= 64, `${now - moved} at once`)
      moved = now
      yard.clock.pass(1_000)
    }
    t.strictSame(
      yard.where(),
      { incoming: 100, deferred: 2_900 },
      'and a bounded number stays',
    )
    const got: string[] = []
    while (got.length < ids.length) {
      const leases = await yard.claim({ max: 500, room: () => 500 })
      if (leases.length === 0) break
      got.push(...leases.map((lease) => lease.id))
      for (const lease of leases) await yard.engine.settle(lease, { to: 'delivered' })
    }
    t.strictSame(got, ids)
  },
)

void t.test('what stands still is moved beside deliveries, too', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  for (let n = 0; n < 1_000; n++) {
    const { name, bytes } = sealed({ due: Date.now() - 100_000 + n })
    yard.put('incoming', name, bytes)
  }
  for (let n = 0; n < 100; n++) {
    const { name, bytes } = sealed({ draft: { to: 'crm' }, due: Date.now() - 1_000 })
    yard.put('incoming', name, bytes)
  }
  await yard.restart()
  yard.clock.pass(2_000)
  for (let n = 0; n < 100; n++)
    await yard.claim({ max: 1, room: (lane) => (lane === 'crm' ? 100 : 0) })
  t.ok((yard.where().deferred ?? 0) >= 64)
  t.equal(yard.where().active, 100)
})

void t.test('while others go out, it is moved in what time is left', async (t) => {
  type Deps = ConstructorParameters<typeof Parking>[0]
  // To move a message takes a quarter of a millisecond, and a look comes 16 ms after the other.
  const slices = (isBusy: boolean) => {
    let now = 1_000_000
    const clock = { now: () => now, monotonic: () => now }
    const agenda = { takenAt: 0, incoming: 0 }
    const parking = new Parking({ clock, agenda } as unknown as Deps)
    for (let n = 0; n < 1_000; n++) parking.add({} as Waiting)
    let given = 0
    for (let look = 0; look < 100; look++, now += 16) {
      if (isBusy) agenda.takenAt = now
      const { length } = parking.next()
      now += length / 4
      parking.done()
      if (length > 0) given++
    }
    return given
  }
  t.equal(slices(false), 16, 'all of it, without deliveries')
  t.equal(slices(true), 7, 'one for sixteen that are left out')
})

void t.test('a thousand hand-made files are taken in a slice at a time', async (t) => {
  const yard = await Yard.open(t)
  for (let n = 0; n < 600; n++) yard.put('incoming', `file-${n}`, `${OPS}${n}`)
  await yard.claim()
  yard.clock.pass(RESTED)
  let leases = 0
  // A look that took long on a busy machine puts the next one off.
  for (let n = 0; n < 50 && leases < 600; n++) {
    const more = await yard.claim()
    t.ok(more.length <= 256)
    leases += more.length
  }
  t.equal(leases, 600)
})

void t.test('what is moved away by hand while it waits is no error', async (t) => {
  const yard = await Yard.open(t)
  const notBefore = new Date(yard.clock.now() + HOUR).toISOString()
  const ids = [await yard.send(), await yard.send({ to: 'ops', notBefore })]
  yard.put('incoming', 'mine', OPS)
  await yard.claim({ room: () => 0 })
  renameSync(yard.path('incoming', 'mine'), `${yard.root}/mine`)
  for (const state of ['incoming', 'deferred'] as const)
    for (const file of yard.ls(state))
      renameSync(yard.path(state, file), yard.path('hold', file))
  yard.clock.pass(2 * HOUR)
  t.strictSame(await yard.claim(), [])
  t.strictSame(yard.where(), { hold: 2 })
  t.strictSame(
    yard.reports.filter(({ level }) => level !== 'info'),
    [],
  )
  const { done } = await yard.engine.act('release', {}, { by: 'ann' })
  t.strictSame(done.toSorted(), ids.toSorted())
  t.equal((await yard.claim()).length, 2)
})

void t.test(
  "another user's files can be neither a way around the doorkeeper nor a trap",
  { skip: NEEDS_ROOT },
  async (t) => {
    const yard = await Yard.open(t)
    chmodSync(yard.root, 0o711)
    chmodSync(yard.path('incoming', ''), 0o3733)
    process.seteuid!(65_534)
    try {
      const far = sealed({ due: Date.UTC(2999, 0), tries: 99 })
      yard.put('incoming', far.name, far.bytes)
      mkdirSync(yard.path('incoming', 'full'))
      writeFileSync(yard.path('incoming', 'full/x'), '')
      yard.put('incoming', sealed().name, 'junk')
    } finally {
      process.seteuid!(0)
    }
    await yard.claim()
    yard.clock.pass(RESTED)
    await yard.claim()
    t.strictSame(yard.where(), { active: 1, corrupt: 2 }, 'a name is no time to wait for')
  },
)

void t.test('a state table that forbids a move stops only that file', async (t) => {
  const moves = MOVES.filter(({ from, to }) => !(from === 'incoming' && to === 'deferred'))
  const yard = await Yard.open(t, { moves })
  const notBefore = new Date(yard.clock.now() + HOUR).toISOString()
  await yard.send({ to: 'ops', notBefore })
  const id = await yard.send()
  t.strictSame(
    (await yard.claim()).map((lease) => lease.id),
    [id],
  )
  t.match(yard.said('unreadable'), [{ message: /bug: the state table has no move/ }])
  rmSync(yard.path('incoming', yard.only('incoming')))
})

void t.test(
  'where looks are dear a ring is enough, but for what has an order',
  async (t) => {
    const yard = await Yard.open(t)
    // Each question for the time takes 2 ms of it, and so each look.
    const { monotonic } = yard.clock
    let asked = 0
    Object.assign(yard.clock, { monotonic: () => monotonic() + 2 * asked++ })
    let hints = 0
    await yard.engine.watch(() => hints++)
    ring(yard.layout)
    while (hints === 0) await sleep(5)
    const outbox = new SpoolOutbox(yard.root, { clock: yard.clock, anyFilesystem: true })
    const send = (order: { order?: string }) =>
      outbox.enqueue({
        draft: { to: 'ops', ...order },
        body: Buffer.from('x'),
        sender: { uid: 0 },
      })
    for (const order of [{}, { order: 'a' }]) {
      yard.clock.run(10_000)
      await yard.claim()
      yard.clock.run(10_000)
      const sent = [await send(order), await send(order)]
      const came: string[] = []
      for (let n = 0; n < 200 && came.length < 2; n++) {
        for (const lease of await yard.claim()) {
          came.push(lease.id)
          await yard.engine.settle(lease, { to: 'delivered' })
        }
        await sleep(5)
      }
      // Both rang before anybody listened: the second one's ring is the one that is heard.
      const expected = order.order === undefined ? sent.toReversed() : sent
      t.strictSame(came, expected)
    }
  },
)

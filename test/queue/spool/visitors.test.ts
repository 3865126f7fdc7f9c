/** visitors - what other users put into incoming/: turns, bounds, and what they may not do. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'

import t from 'tap'
import type { Test } from 'tap'

import { adoptName, sealInPlace } from '../../../src/queue/spool/adopt.ts'
import { formatName, parseName } from '../../../src/queue/spool/name.ts'
import type { Bounds } from '../../../src/queue/spool/quota.ts'
import { readMessage } from '../../../src/queue/spool/read.ts'
import { NEEDS_ROOT, RESTED, Yard, anId, sealed } from './yard.ts'

const [ANN, BOB] = [65_534, 65_533]
const OPS = '{"to":"ops"}\n'
const MINUTE = 60_000

/** A shared spool, served; root is its owner. */
async function sharedYard(
  t: Test,
  bounds: Partial<Bounds> & { recover?: boolean } = {},
): Promise<Yard> {
  const { recover = true, ...rest } = bounds
  const submit = { shared: true, maxMessages: 1_000, maxBytes: 1e9, minFree: 0, ...rest }
  return Yard.open(t, { submit, recover })
}

/** Puts a file there as its author would. */
function drop(yard: Yard, uid: number, file: string, content: string | Uint8Array): string {
  yard.put('incoming', file, content)
  chmodSync(yard.path('incoming', file), 0o640)
  chownSync(yard.path('incoming', file), uid, 0)
  return file
}

/** Sends as `msgq send` of that user does; its id. */
function sendAs(yard: Yard, uid: number, more: Parameters<typeof sealed>[0] = {}): string {
  const { name, bytes, id } = sealed(more)
  drop(yard, uid, name, bytes)
  return id
}

function uidsOf(yard: Yard): number[] {
  return yard.ls('incoming').map((file) => statSync(yard.path('incoming', file)).uid)
}

const opts = { skip: NEEDS_ROOT }

void t.test('users take turns, and no flood keeps the others waiting', opts, async (t) => {
  const yard = await sharedYard(t)
  for (let n = 0; n < 500; n++) sendAs(yard, ANN, { draft: { to: 'flood' } })
  const [own, bobs] = [await yard.send(), sendAs(yard, BOB)]
  const leases = await yard.claim()
  const ids = leases.map(({ id }) => id)
  t.ok(ids.includes(own), 'the owner does not wait for it')
  t.ok(ids.includes(bobs), 'nor does another user')
  t.ok(leases.length < 50, `${leases.length} at once`)
  let all = leases.length
  for (let n = 0; n < 40 && all < 502; n++) all += (await yard.claim()).length
  t.equal(all, 502, 'and all of it comes in')
})

void t.test('beyond his bound a user waits outside, and is named once', opts, async (t) => {
  const yard = await sharedYard(t, { maxMessages: 5 })
  for (let n = 0; n < 12; n++) sendAs(yard, ANN)
  const bobs = sendAs(yard, BOB)
  const leases = [...(await yard.claim())]
  t.equal(leases.length, 6)
  t.ok(leases.some(({ id }) => id === bobs))
  for (let n = 0; n < 5; n++) t.strictSame(await yard.claim(), [], 'no more of it')
  t.strictSame(uidsOf(yard), Array<number>(7).fill(ANN), 'the rest is still his')
  t.match(yard.said('trouble'), [
    { level: 'warn', message: /^uid 65534 has 5 messages .* stays in incoming/ },
  ])
  t.ok((yard.engine.nextDue(() => 1) ?? Infinity) > yard.clock.now(), 'nobody spins')

  const anns = leases.filter(({ id }) => id !== bobs)
  await yard.engine.settle(anns.pop()!, { to: 'delivered' })
  const bounced = { to: 'bounced', line: yard.line('bounced') } as const
  await yard.engine.settle(anns.pop()!, bounced)
  t.equal((await yard.claim()).length, 2, 'as much as left comes in')
  const due = yard.clock.now()
  await yard.engine.settle(anns.pop()!, { to: 'deferred', due, line: yard.line() })
  t.equal((await yard.claim()).length, 1, 'what is deferred still waits')
  t.equal(yard.ls('incoming').length, 5)
})

void t.test('the bound holds in bytes as well', opts, async (t) => {
  const yard = await sharedYard(t, { maxBytes: 25_000 })
  const body = 'x'.repeat(10_000)
  for (let n = 0; n < 6; n++) sendAs(yard, ANN, { body })
  t.equal((await yard.claim()).length, 3, 'the last one may go beyond it')
  t.strictSame(await yard.claim(), [])
})

void t.test('what waits from before the start counts', opts, async (t) => {
  const yard = await sharedYard(t, { maxMessages: 5, recover: false })
  const draft = { to: 'ops', notBefore: new Date(Date.now() + 3_600_000).toISOString() }
  yard.layout.make()
  await yard.restart()
  for (let n = 0; n < 3; n++) sendAs(yard, ANN, { draft })
  for (let n = 0; n < 3; n++) await yard.send({ ...draft })
  await yard.claim()
  t.equal(yard.where().deferred, 6)
  await yard.engine.close()
  await yard.restart()
  sendAs(yard, ANN, { draft })
  await yard.claim()
  // The count is over.
  await yard.engine.close()
  t.equal(yard.where().deferred, 7)

  await yard.restart()
  sendAs(yard, BOB)
  t.equal((await yard.claim()).length, 1, 'the first visitor begins the count')
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (let n = 0; n < 4; n++) sendAs(yard, ANN)
  t.equal((await yard.claim()).length, 1, 'one more to the four that wait')
  t.equal(yard.ls('incoming').length, 3)
})

void t.test('what an operator takes away makes room', opts, async (t) => {
  const yard = await sharedYard(t, { maxMessages: 3 })
  const draft = { to: 'ops', notBefore: new Date(Date.now() + 3_600_000).toISOString() }
  const ids = Array.from({ length: 3 }, () => sendAs(yard, ANN, { draft }))
  await yard.claim()
  const late = sendAs(yard, ANN)
  t.strictSame(await yard.claim(), [])
  await yard.engine.act('delete', { ids: ids.slice(0, 1) }, { by: 'root' })
  const leases = []
  for (let n = 0; n < 100 && leases.length === 0; n++) {
    yard.clock.run(MINUTE)
    leases.push(...(await yard.claim()))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.match(leases, [{ id: late }])
})

void t.test("an almost full disk is kept for the spool's owner", opts, async (t) => {
  const yard = await sharedYard(t, { minFree: 2 ** 60 })
  sendAs(yard, ANN)
  drop(yard, ANN, 'by-hand', OPS)
  const own = await yard.send()
  const leases = [...(await yard.claim())]
  yard.clock.pass(RESTED)
  leases.push(...(await yard.claim()))
  t.match(leases, [{ id: own }])
  t.strictSame(uidsOf(yard), [ANN, ANN])
  t.match(yard.said('trouble'), [{ message: /below .* what other users send stays/ }])
})

void t.test('nobody can take the id of a message that is there', opts, async (t) => {
  const yard = await sharedYard(t)
  const draft = { to: 'ops', notBefore: new Date(Date.now() + 3_600_000).toISOString() }
  const [waits, flies, anns] = [
    await yard.send(draft),
    await yard.send(),
    sendAs(yard, ANN, { draft: { to: 'crm' } }),
  ]
  const lease = (await yard.claim()).find(({ id }) => id === flies)!
  for (const id of [waits, flies, anns])
    sendAs(yard, BOB, { id, draft: { to: 'evil' }, body: 'mine' })
  t.strictSame(await yard.claim(), [])
  const aside = yard.ls('corrupt')
  t.strictSame(
    aside.map((file) => parseName(file)?.id).toSorted(),
    [waits, flies, anns].toSorted(),
  )
  for (const file of aside)
    t.equal(statSync(yard.path('corrupt', file)).uid, BOB, 'it counts as his garbage')
  t.equal(await yard.engine.settle(lease, { to: 'delivered' }), 'ok')
})

void t.test('two who choose one id at once are both kept, each whole', opts, async (t) => {
  for (let n = 0; n < 5; n++) {
    const yard = await sharedYard(t)
    const id = anId()
    const [a, b] = ['a'.repeat(200_000), 'b'.repeat(100)]
    drop(yard, ANN, 'x', 'x')
    sendAs(yard, ANN, { id, body: a, draft: { to: 'ops' } })
    sendAs(yard, BOB, { id, body: b, draft: { to: 'crm' } })
    const leases = [...(await yard.claim()), ...(await yard.claim())]
    const [lease] = leases
    t.equal(leases.length, 1)
    const body = (await yard.bodyOf(lease!)).toString()
    t.equal(body, lease!.envelope.sender.uid === ANN ? a : b, 'with its own body')
    const [file] = yard.ls('corrupt')
    t.equal(parseName(file!)?.id, id)
    const other = lease!.envelope.sender.uid === ANN ? b : a
    t.ok(yard.read('corrupt', file).includes(other), 'and nothing of the other is lost')
  }
})

void t.test('two with one id that are sealed at once do not share a copy', async (t) => {
  const yard = await Yard.open(t)
  const id = anId()
  const bodies = ['a'.repeat(900_000), 'b']
  const names = bodies.map((body, n) => {
    const name = adoptName(id, 1_000 + n, `c${n}`)
    yard.put('active', formatName(name), OPS + body)
    return name
  })
  const options = { now: Date.now(), messageSizeLimit: 1_000_000 }
  await Promise.all(names.map((name) => sealInPlace(yard.layout, name, options)))
  for (const [n, name] of names.entries()) {
    const { envelope } = readMessage(yard.path('active', formatName(name)))
    t.equal(envelope.bytes, bodies[n]!.length)
  }
})

void t.test('a file that has another name is not its sender’s word', opts, async (t) => {
  const yard = await sharedYard(t)
  const { name, bytes } = sealed({ draft: { to: 'ops', subject: 'not sent' } })
  writeFileSync(`${yard.root}/letter`, bytes)
  chownSync(`${yard.root}/letter`, BOB, 0)
  linkSync(`${yard.root}/letter`, yard.path('incoming', name))
  t.strictSame(await yard.claim(), [])
  t.strictSame(yard.where(), { incoming: 1 }, 'the other name may go in a moment')
  yard.clock.pass(RESTED)
  t.strictSame(await yard.claim(), [])
  t.strictSame(yard.where(), { corrupt: 1 })
  t.match(yard.said('corrupt'), [{ message: /has 2 names \(hard links\)/ }])
})

void t.test('hostile files are put aside or refused, and delay nobody', opts, async (t) => {
  const yard = await sharedYard(t)
  const secret = `${yard.root}/secret`
  writeFileSync(secret, `${OPS}secret`)
  for (const file of [sealed().name, 'link']) {
    const path = yard.path('incoming', file)
    symlinkSync(secret, path)
    execFileSync('chown', ['-h', `${ANN}:${ANN}`, path])
  }
  for (const file of [sealed().name, 'fifo']) {
    execFileSync('mkfifo', [yard.path('incoming', file)])
    chownSync(yard.path('incoming', file), ANN, 0)
  }
  for (const file of [sealed().name, 'device']) {
    execFileSync('mknod', [yard.path('incoming', file), 'c', '1', '5'])
    chownSync(yard.path('incoming', file), ANN, 0)
  }
  for (const file of [sealed().name, 'sparse']) {
    drop(yard, ANN, file, OPS)
    truncateSync(yard.path('incoming', file), 2 ** 40)
  }
  const half = sealed({ body: 'x'.repeat(5_000) })
  utimesSync(
    yard.path('incoming', drop(yard, ANN, half.name, half.bytes.subarray(0, 900))),
    1,
    1,
  )
  drop(yard, ANN, sealed().name, 'no envelope at all')
  const own = await yard.send()
  const began = performance.now()
  t.match(await yard.claim(), [{ id: own }])
  yard.clock.pass(RESTED)
  t.strictSame(await yard.claim(), [])
  // To read only one of them takes minutes.
  t.ok(performance.now() - began < 20_000, 'nobody waits')
  t.strictSame(yard.ls('incoming'), [])
  t.strictSame(yard.where(), { active: 1, corrupt: 10 })
  t.equal(statSync(secret).size, OPS.length + 6, 'nothing was written through a link')
})

void t.test(
  'a file that grows without end is nobody’s business but its author’s',
  opts,
  async (t) => {
    const yard = await sharedYard(t)
    const path = yard.path('incoming', drop(yard, ANN, 'slow', OPS))
    const writer = spawn('sh', ['-c', 'while :; do echo x; done'], {
      stdio: ['ignore', openSync(path, constants.O_WRONLY | constants.O_APPEND), 'ignore'],
    })
    t.teardown(() => writer.kill('SIGKILL'))
    const leases = []
    for (let n = 0; n < 20; n++) {
      const own = await yard.send()
      const came = await yard.claim()
      t.ok(came.some(({ id }) => id === own))
      leases.push(...came.filter(({ envelope }) => envelope.sender.uid === ANN))
      yard.clock.pass(MINUTE + RESTED)
    }
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    for (let n = 0; n < 3 && leases.length + yard.ls('corrupt').length === 0; n++) {
      yard.clock.pass(MINUTE + RESTED)
      leases.push(...(await yard.claim()))
    }
    t.equal(
      leases.length + yard.ls('corrupt').length,
      1,
      'and then it is a message, or too long',
    )
    for (const lease of leases)
      t.equal(
        (await yard.bodyOf(lease)).length,
        lease.envelope.bytes,
        'whole as it was read',
      )
  },
)

void t.test('a name and an envelope that lie are made right', opts, async (t) => {
  const yard = await sharedYard(t)
  const mine = sealed({
    lane: 'ops',
    tries: 9_999,
    due: Date.UTC(2999, 0),
    draft: { to: 'crm', key: 'k' },
  })
  drop(yard, ANN, mine.name, mine.bytes)
  const theirs = sealed({ draft: { to: 'crm', key: 'k' } })
  drop(yard, BOB, theirs.name, theirs.bytes)
  const leases = await yard.claim()
  t.equal(leases.length, 2, 'a key of another user is another key')
  const lease = leases.find(({ id }) => id === mine.id)!
  t.match(lease, { lane: 'crm', tries: 0, envelope: { sender: { uid: ANN } } })
  t.ok(lease.due <= yard.clock.now())
})

void t.test(
  'garbage of another user has a bound; what is ours has none',
  opts,
  async (t) => {
    const yard = await sharedYard(t, { maxMessages: 3, maxBytes: 100_000 })
    for (let n = 0; n < 6; n++) {
      drop(yard, ANN, sealed().name, `junk ${n}`)
      await yard.claim()
      yard.clock.pass(RESTED)
      await yard.claim()
    }
    yard.put('incoming', 'own', 'junk')
    yard.put('corrupt', sealed().name, 'x'.repeat(200_000))
    mkdirSync(yard.path('corrupt', 'folder'))
    chownSync(yard.path('corrupt', 'folder'), ANN, 0)
    await yard.adopt()
    t.equal(yard.ls('corrupt').length, 9)
    yard.clock.run(700_000)
    for (let n = 0; n < 200 && yard.ls('corrupt').length > 6; n++) {
      await yard.claim()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const left = yard.ls('corrupt').map((file) => yard.path('corrupt', file))
    t.equal(
      left.filter((path) => statSync(path).uid === ANN).length,
      4,
      'three and a folder',
    )
    t.equal(left.length, 6)
    t.match(yard.said('trouble'), [
      { message: /removed the 3 oldest of 6 files of uid 65534/ },
    ])
  },
)

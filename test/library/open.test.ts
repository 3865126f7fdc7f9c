/**
 * open - the public library, with a real spool and, at the end, with a real daemon.
 */
import { chownSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { MsgqError, open } from '../../src/index.ts'
import type { Outgoing, Queue } from '../../src/index.ts'
import { makeSpool } from '../../src/queue/open.ts'
import { Control } from '../daemon/fake-control.ts'
import { Machine } from '../end-to-end/machine.ts'

const CONFIG = `[send]\nmin_free = "1MiB"\nto = "crm"\n[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n`

/** A queue with a spool of its own, that no daemon serves. */
async function queueIn(folder: string): Promise<Queue> {
  const config = join(folder, 'msgq.toml')
  writeFileSync(config, `spool = "spool"\n${CONFIG}`)
  const spool = join(folder, 'spool')
  await makeSpool(spool)
  return open({ env: { MSGQ_CONFIG: config, MSGQ_ANY_FILESYSTEM: '1' } })
}

t.test('sends, and finds what was sent', async (t) => {
  await using queue = await queueIn(t.testdir())
  const at = new Date(Date.now() + 3_600_000)
  const { id } = await queue.send({ json: 'é', key: 'k1', at, headers: { 'x-a': 'b' } })
  const message = await queue.get(id)
  t.match(message, { id, state: 'incoming', lane: 'crm', due: at.toISOString() })
  t.match(message?.envelope, { to: 'crm', contentType: 'application/json', key: 'k1' })
  t.equal(message?.envelope?.bytes, 4, 'the text as JSON')

  const bytes = new Uint8Array([0xff, 0])
  const raw = await queue.send({ to: 'https://example.com/x', body: bytes })
  bytes.fill(7)
  t.match((await queue.get(raw.id))?.envelope, { contentType: 'application/octet-stream' })
  const found: string[] = []
  for await (const one of queue.list({ to: 'crm', key: 'k*' })) found.push(one.id)
  t.same(found, [id])
  t.equal((await queue.stats()).waiting['crm'], 1)
})

t.test('refuses what every door refuses, and queues nothing', async (t) => {
  await using queue = await queueIn(t.testdir())
  const bad: [message: object, code: string, why: RegExp][] = [
    [{ to: 'crn', body: '' }, 'usage', /no such destination: "crn"/],
    [{ to: 'crm' }, 'data', /body: is missing/],
    [{ to: 'crm', body: '', dealy: '5m' }, 'data', /dealy: is no member/],
    [{ to: 'crm', body: '', delay: 'soon' }, 'usage', /delay: is no span/],
    [{ to: 'crm', event: 'a', body: '' }, 'data', /exclude each other/],
    [{ to: 'crm', json: 1, body: '' }, 'data', /json and body exclude/],
    [{ to: 'crm', json: () => 1 }, 'data', /json: is no JSON/],
    [{ to: 'crm', body: 5n }, 'data', /body: is no JSON/],
    [{ to: 'crm', body: '', headers: { host: 'a' } }, 'data', /host/],
    [{ to: 'crm', body: '', at: new Date(NaN) }, 'data', /at: is no time/],
    [{ to: 'crm', body: '\ud800' }, 'data', /half a character/],
  ]
  for (const [message, code, why] of bad) {
    const error = await queue.send(message as Outgoing).catch((thrown: unknown) => thrown)
    t.ok(error instanceof MsgqError, why.source)
    t.match(error, { code, message: why })
  }
  t.same(readdirSync(join(queue.spool, 'incoming')).filter(isMessage), [])
})

t.test('sends many: in order, each kept or refused by itself', async (t) => {
  await using queue = await queueIn(t.testdir())
  const sent = await queue.sendMany(
    (async function* () {
      for (let n = 0; n < 300; n++) yield n === 7 ? { to: 'no' } : { json: { n } }
    })(),
  )
  t.equal(sent.length, 300)
  t.match(sent[7], { error: { code: 'usage' } })
  const ids = sent.flatMap((one) => ('id' in one ? [one.id] : []))
  t.equal(new Set(ids).size, 299)
  t.same(ids, ids.toSorted(), 'ids in the order of the source')
  const listed: string[] = []
  for await (const { id } of queue.list({ limit: 250 })) listed.push(id)
  t.equal(listed.length, 250)
  const broken = async function* () {
    yield { body: 'a' }
    throw new Error('source')
  }
  await t.rejects(queue.sendMany(broken()), { message: 'source' })
  t.equal((await queue.stats()).states.incoming, 300, 'what was taken before is kept')
})

t.test('acts, and never on more than was meant', async (t) => {
  await using queue = await queueIn(t.testdir())
  const { id } = await queue.send({ body: 'a' })
  const other = await queue.send({ body: 'b' })
  const nothing = { matched: 1, changed: [id], skipped: [], unknown: [] }
  t.same(await queue.hold({ ids: id }, { dryRun: true }), nothing)
  t.equal((await queue.get(id))?.state, 'incoming')
  t.same(await queue.hold({ ids: id }, { reason: 'not yet' }), nothing)
  t.match(await queue.get(id), {
    state: 'hold',
    trail: [{ act: 'held', reason: 'not yet' }],
  })
  t.match(await queue.wait(id), { outcome: 'held', state: 'hold', reason: /not yet/ })
  t.same((await queue.release({ state: 'hold' })).changed, [id])
  t.same((await queue.expire({ ids: [id] })).changed, [id])
  t.match(await queue.wait(id), { outcome: 'bounced' })
  t.same((await queue.requeue('ALL')).changed, [id])
  for (const choice of [{}, { to: undefined }, { too: 'crm' }, undefined])
    await t.rejects(queue.delete(choice as never), { code: 'usage' })
  t.same((await queue.delete({ ids: other.id })).changed, [other.id])
  t.match(await queue.wait(other.id), { outcome: 'deleted' })
  t.equal(await queue.get(other.id), undefined)
  await t.rejects(queue.get('../x'), { code: 'usage' })
  t.match(await queue.flush(), { matched: 0 })
})

t.test('opens the lanes that were meant, and no more', async (t) => {
  await using queue = await queueIn(t.testdir())
  const asked: unknown[] = []
  const control = await Control.open(queue.spool, {
    'POST /v1/flush': (body) => ({ status: 200, body: { opened: asked.push(body) } }),
  })
  t.teardown(() => control.close())
  const { id } = await queue.send({ body: 'a' })
  await queue.flush()
  await queue.flush({ to: ['crm', 'ops'] })
  await queue.flush({ ids: id })
  // A list that came out empty means nobody.
  await queue.flush({ ids: [] })
  await queue.flush({ to: [] })
  await queue.flush({ ids: '01M7W77J8V4QXE0D5T8Y9A2MC1' })
  t.strictSame(asked, [{}, { lanes: ['crm', 'ops'] }, { lanes: ['crm'] }])
})

t.test('requeues: elsewhere, and one first', async (t) => {
  await using queue = await queueIn(t.testdir())
  const { id } = await queue.send({ body: 'a', key: 'k' })
  await queue.expire({ ids: id })
  const bad: [how: object, code: string, why: RegExp][] = [
    [{ redirect: 'crn' }, 'usage', /redirect: no such destination: "crn"/],
    [{ redirect: 'C R' }, 'usage', /redirect: is neither a destination nor a URL/],
    [{ keep: true }, 'usage', /keep: means nothing without redirect/],
    [{ canary: true }, 'unavailable', /canary: msgqd is not running/],
    [{ canary: true, timeout: NaN }, 'usage', /timeout/],
  ]
  for (const [how, code, message] of bad)
    await t.rejects(queue.requeue('ALL', how), { code, message })
  const to = 'https://example.com/b'
  const dry = await queue.requeue('ALL', { redirect: to, canary: true, dryRun: true })
  t.match(dry, { matched: 1, changed: [id] })
  t.equal((await queue.get(id))?.state, 'bounce', 'nothing was touched')
  const kept = await queue.requeue({ ids: id }, { redirect: to, keep: true })
  t.match(kept, { changed: [id], skipped: [], unknown: [] })
  t.match(await queue.get(kept.made[id] ?? ''), {
    state: 'incoming',
    envelope: { to, parent: id, key: 'k' },
  })
  t.match((await queue.get(id))?.trail.at(-1), { act: 'redirected' })
  t.same((await queue.requeue({ ids: id })).made, {})
})

const skip = process.getuid!() === 0 ? false : 'needs root'
t.test('root touches no spool of another', { skip }, async (t) => {
  const folder = t.testdir()
  await using queue = await queueIn(folder)
  const { id } = await queue.send({ body: 'a' })
  chownSync(queue.spool, 65_534, 65_534)
  const refused = {
    code: 'no-permission',
    message: /is that of uid 65534, and this is root/,
  }
  await t.rejects(queue.suspend('crm'), refused)
  await t.rejects(queue.resume('crm'), refused)
  await t.rejects(queue.hold({ ids: id }), refused)
  await t.rejects(queue.requeue({ ids: id }), refused)
  await t.rejects(
    open({ env: { MSGQ_SPOOL: queue.spool } }).then((other) =>
      other.send({ to: 'https://example.com', body: '' }),
    ),
    refused,
  )
  t.match(await queue.get(id), { state: 'incoming' }, 'to look is allowed')
})

t.test('suspends and resumes', async (t) => {
  await using queue = await queueIn(t.testdir())
  const { id } = await queue.send({ body: 'a' })
  t.match(await queue.suspend('crm', { reason: 'rent' }), { lane: 'crm', reason: 'rent' })
  t.match(await queue.wait(id), { outcome: 'suspended', reason: 'rent' })
  await t.rejects(queue.suspend('crn'), { code: 'usage', hint: /did you mean crm/ })
  t.equal(await queue.resume('crm'), true)
  t.equal(await queue.resume('crm'), false)

  await queue.suspend('crm', { for: '2h', reason: 'tonight' })
  const over = { outcome: 'suspended', reason: 'tonight' }
  t.match(await queue.wait(id, { timeout: '1h' }), over, 'it is not over in time')
  const late = new AbortController()
  const waiting = queue.wait(id, { timeout: '3h', signal: late.signal })
  setTimeout(() => late.abort(new Error('no more')), 50)
  await t.rejects(waiting, /no more/, 'what may be over in time is waited for')
  await t.rejects(queue.suspend('crm', { for: '0s' }), { code: 'usage' })
  await t.rejects(queue.suspend('crm,https://example.com'), /no single one/)
  const first = await queue.suspend('crm', { for: '1h', reason: 'rent' })
  t.match(await queue.suspend('crm', { for: '2h' }), {
    since: first.since,
    reason: 'rent',
  })
  await t.rejects(open({ spol: queue.spool } as never), /spol: is no option/)
})

t.test('waits no longer than it is told, and not for what is closed', async (t) => {
  const queue = await queueIn(t.testdir())
  const { id } = await queue.send({ body: 'a' })
  t.match(await queue.wait(id, { timeout: 20 }), { outcome: 'waiting', state: 'incoming' })
  for (const timeout of [-1, NaN, '5', null as never])
    await t.rejects(queue.wait(id, { timeout }), { code: 'usage' })
  await t.rejects(queue.wait(id, { signal: AbortSignal.abort(new Error('me')) }), /me/)
  const late = new AbortController()
  const waiting = queue.wait(id, { signal: late.signal })
  setImmediate(() => late.abort(new Error('no more')))
  await t.rejects(waiting, /no more/)
  const ended = t.rejects(queue.wait(id), { code: 'usage', message: /closed/ })
  const sending = queue.send({ body: 'last' })
  await queue.close()
  await ended
  t.match(await sending, { id: String })
  await t.rejects(queue.send({ body: 'b' }), /closed/)
})

t.test('a spool that is not there', async (t) => {
  const folder = t.testdir()
  const queue = await open({ spool: join(folder, 'none'), env: {} })
  await t.rejects(queue.send({ to: 'https://example.com', body: '' }), {
    code: 'cannot-create',
  })
  await t.rejects(queue.get('01M7W77J8V4QXE0D5T8Y9A2MC1'), { code: 'no-input' })
  await makeSpool(join(folder, 'none'))
  t.match(await queue.stats(), { states: { incoming: 0 } }, 'made meanwhile')
})

t.test('with a daemon: delivered, and dropped as a repeat', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  machine.configure(`[destinations.ops]\ntype = "http"\nurl = "${sink.url}"\n`)
  await machine.start()
  await using queue = await open({ env: machine.env })
  const { id } = await queue.send({ to: 'ops', json: { a: 1 }, key: 'order-1' })
  t.match(await queue.wait(id, { timeout: '30s' }), { outcome: 'delivered' })
  t.match(await queue.wait(id), { outcome: 'delivered' }, 'long ago')
  const again = await queue.send({ to: 'ops', json: { a: 1 }, key: 'order-1' })
  t.match(await queue.wait(again.id, { timeout: '30s' }), {
    outcome: 'delivered',
    repeatOf: id,
  })
  const bounced = await queue.sendMany([
    { to: 'ops', body: 'a', hold: true },
    { to: 'ops', body: 'b', hold: true },
    { to: 'ops', body: 'c', hold: true },
  ])
  const ids = bounced.flatMap((one) => ('id' in one ? [one.id] : []))
  for (const one of ids) await queue.wait(one, { timeout: '30s' })
  const flown = await queue.requeue({ ids }, { canary: true, timeout: '30s' })
  t.match(flown, { matched: 3, changed: ids, stopped: undefined })
  for (const one of ids) t.match(await queue.wait(one), { outcome: 'delivered' })
})

function isMessage(name: string): boolean {
  return !name.startsWith('.')
}

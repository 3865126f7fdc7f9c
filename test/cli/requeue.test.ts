/**
 * requeue - what it can do beside beginning anew: send on to another destination, and let one
 * go first.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { stopCode, stopText } from '../../src/cli/canary-text.ts'
import { flyCanary } from '../../src/library/canary.ts'
import type { CanaryOptions } from '../../src/library/canary.ts'
import { shortId } from '../../src/message/id.ts'
import type { Settlement } from '../../src/queue/queue.ts'
import { MINUTE, World } from './world.ts'

const TOML = ['crm', 'ops']
  .map(
    (name) => `[destinations.${name}]\ntype = "http"\nurl = "https://${name}.example/"\n`,
  )
  .join('')

t.test('--redirect sends on as a new message, and says which', async (t) => {
  const world = await World.open(t, TOML)
  const id = await world.bounce({ to: 'crm', subject: 'paid' })
  const other = await world.bounce({ to: 'crm' })
  const { code, out } = await world.run('requeue', id, '--redirect', 'ops')
  t.equal(code, 0)
  const [, made = ''] = /^[0-9A-Z]{8} requeued as ([0-9A-Z]{26})$/m.exec(out) ?? []
  t.match(out, /\nmatched 1, done 1, skipped 0\n$/)
  t.equal(await world.engine.get(id), undefined)
  t.match(await world.engine.get(made), {
    entry: { lane: 'ops', state: 'incoming' },
    envelope: { to: 'ops', subject: 'paid', parent: id },
  })
  const kept = await world.run('requeue', 'ALL', '--redirect', 'ops', '--keep', '--json')
  t.match(JSON.parse(kept.out.split('\n')[0]!), {
    id: other,
    result: 'done',
    as: /^\w{26}$/,
  })
  t.match(await world.engine.get(other), { entry: { state: 'bounce' } })
})

t.test('what it cannot mean is refused before anything is touched', async (t) => {
  const world = await World.open(t, TOML)
  const id = await world.bounce({ to: 'crm' })
  for (const [words, message] of [
    [['--redirect', 'opss'], /no such destination: "opss"\n {2}hint: did you mean ops\?/],
    [['--redirect', 'a b'], /--redirect: is neither a destination nor a URL/],
    [['--keep'], /--keep: means nothing without --redirect/],
    [['--to', 'ops'], /--to: none of these is for ops.*\n {2}hint: .*--redirect/],
    [['--canary', '--timeout', 'soon'], /--timeout: is no span/],
  ] as const) {
    const { code, err } = await world.run('requeue', id, ...words)
    t.equal(code, 64, words.join(' '))
    t.match(err, message)
  }
  const down = await world.run('requeue', id, '--canary')
  t.equal(down.code, 69)
  t.match(down.err, /^msgq: requeue: --canary: msgqd is not running/)
  t.match(await world.engine.get(id), { entry: { state: 'bounce', tries: 1 } })
})

/** Somebody who delivers, and says how each ends; what he had in the air at once. */
function deliverer(world: World, endOf: (id: string) => Settlement) {
  const ended = new AbortController()
  const batches: string[][] = []
  const work = (async () => {
    while (!ended.signal.aborted) {
      const leases = await world.engine.claim({ room: () => 1_000, max: 1_000 })
      if (leases.length > 0) batches.push(leases.map((lease) => lease.id))
      for (const lease of leases) await world.engine.settle(lease, endOf(lease.id))
      await sleep(2)
    }
  })()
  return {
    batches,
    end: async () => {
      ended.abort()
      await work
    },
  }
}

function failed(world: World, outcome: 'bounced' | 'deferred' | 'held'): Settlement {
  const at = world.iso()
  const line = { at, try: 1, outcome, reason: '401 Unauthorized' } as const
  return outcome === 'deferred'
    ? { to: 'deferred', due: world.clock.now() + MINUTE, line }
    : { to: outcome, line }
}

async function fly(world: World, more: Partial<CanaryOptions> = {}) {
  const { clock } = world
  const options = { by: 'ann', patience: MINUTE, ...more }
  const flight = await flyCanary(world.engine, { lanes: ['crm'] }, options, clock)
  const { stopped } = flight
  if (stopped === undefined) return { ...flight, said: undefined }
  const why = stopText(stopped, options.patience, clock.now())
  return { ...flight, said: { code: stopCode(stopped), why } }
}

t.test('one goes first, the rest follow in batches that grow', async (t) => {
  const world = await World.open(t)
  const ids: string[] = []
  for (let n = 0; n < 20; n++) {
    ids.push(await world.bounce({ to: 'crm' }))
    world.pass(1)
  }
  const { batches, end } = deliverer(world, () => ({ to: 'delivered' }))
  const heard: number[] = []
  const { result, stopped } = await fly(world, { onProgress: (seen) => heard.push(seen) })
  await end()
  t.equal(stopped, undefined)
  t.strictSame(result, { matched: 20, done: ids, skipped: [] })
  t.strictSame(batches.flat(), ids)
  t.strictSame(batches[0], [ids[0]], 'nobody else before it is delivered')
  t.ok(Math.max(...batches.map((batch) => batch.length)) <= 8)
  t.strictSame(heard, [1, 3, 7, 15, 20])
})

t.test('they stay when the first one does not arrive, with its answer', async (t) => {
  for (const [outcome, code] of [
    ['bounced', 1],
    ['deferred', 1],
    ['held', 3],
  ] as const) {
    const world = await World.open(t)
    const [first = ''] = [await world.bounce({ to: 'crm' })]
    for (let n = 0; n < 4; n++) await world.bounce({ to: 'crm' })
    const { batches, end } = deliverer(world, () => failed(world, outcome))
    const { result, said } = await fly(world)
    await end()
    t.strictSame(batches, [[first]], outcome)
    t.equal(result.done.length, 1)
    t.equal(result.skipped.length, 4)
    t.equal(said?.code, code)
    t.match(said?.why, `${shortId(first)} was not delivered`)
    t.match(said?.why, '401 Unauthorized; 4 stay where they were')
    const { states } = await world.engine.stats()
    t.equal(states.bounce, outcome === 'bounced' ? 5 : 4)
  }
})

t.test('a later one stops it as well', async (t) => {
  const world = await World.open(t)
  const ids: string[] = []
  for (let n = 0; n < 7; n++) {
    ids.push(await world.bounce({ to: 'crm' }))
    world.pass(1)
  }
  const { end } = deliverer(world, (id) =>
    id === ids[2] ? failed(world, 'bounced') : { to: 'delivered' },
  )
  const { result, said } = await fly(world)
  await end()
  t.strictSame(result.done, ids.slice(0, 3))
  t.match(said, { code: 1, why: new RegExp(`^${shortId(ids[2]!)} .*; 4 stay`) })
  t.equal((await world.engine.stats()).states.bounce, 5)
})

t.test('it waits no longer than it was told, and run again it goes on', async (t) => {
  const world = await World.open(t)
  for (let n = 0; n < 3; n++) await world.bounce({ to: 'crm' })
  let over = false
  const slow = fly(world).finally(() => {
    over = true
  })
  while (!over) {
    await sleep(5)
    world.pass(MINUTE / 2)
  }
  const { result, said } = await slow
  t.equal(result.done.length, 1)
  t.match(said, { code: 124, why: / is still in incoming after 1m; 2 stay/ })
  const { end } = deliverer(world, () => ({ to: 'delivered' }))
  t.match(await fly(world), { result: { matched: 2, done: { length: 2 } } })
  await end()
})

t.test('a canary that is sent on is watched under its new id', async (t) => {
  const world = await World.open(t)
  for (let n = 0; n < 3; n++) await world.bounce({ to: 'crm' })
  const { batches, end } = deliverer(world, () => failed(world, 'bounced'))
  const redirect = { to: 'ops', keep: false }
  const { result, said } = await fly(world, { redirect })
  await end()
  t.strictSame(batches.flat(), [...result.made!.values()])
  t.equal(result.done.length, 1)
  t.match(said, { code: 1 })
})

t.test("the rest keep their sender's time, who were not named", async (t) => {
  const world = await World.open(t)
  const later = new Date(world.clock.now() + 2 * MINUTE).toISOString()
  await world.bounce({ to: 'crm' })
  const id = await world.send({ to: 'crm', notBefore: later })
  await world.engine.act('expire', { ids: [id], states: ['incoming'] }, { by: 'ann' })
  const { end } = deliverer(world, () => ({ to: 'delivered' }))
  const flight = fly(world)
  while ((await world.engine.get(id))?.entry.state === 'bounce') await sleep(5)
  t.match(await world.engine.get(id), { entry: { due: Date.parse(later) } })
  world.pass(3 * MINUTE)
  await flight
  await end()
})

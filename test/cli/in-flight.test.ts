/**
 * in-flight - delete, hold and expire of what is under way: with a daemon, with one that is
 * silent or starting, and with none.
 */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { publishLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Control } from '../daemon/fake-control.ts'
import type { Answer } from '../../src/daemon/control.ts'
import { shortId } from '../../src/message/id.ts'
import { socketPath } from '../../src/queue/open.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { Lock, currentHolder } from '../../src/queue/spool/lock.ts'
import { put } from '../config/machine.ts'
import { HOUR, World } from './world.ts'

/** A message that is under way. */
async function flying(world: World): Promise<string> {
  const id = await world.send({ to: 'crm' })
  await world.claim('crm')
  return id
}

/** A daemon that answers this for each message, and keeps what it was asked. */
async function daemon(t: Test, world: World, answer: (ids: string[]) => Answer | object[]) {
  const asked: Record<string, unknown>[] = []
  const control = await Control.open(world.spool, {
    'POST /v1/recall': (body) => {
      const { ids } = body as { ids: string[] }
      asked.push(body as Record<string, unknown>)
      const said = answer(ids)
      return Array.isArray(said) ? { status: 200, body: { recalled: said } } : said
    },
  })
  t.teardown(() => control.close())
  return { asked, control }
}

t.test('what the daemon says is what is said', async (t) => {
  const world = await World.open(t)
  const id = await flying(world)
  const short = shortId(id)
  const cases: [words: string[], answer: object, out: string][] = [
    [['delete'], { to: 'deleted', granted: true }, 'matched 1, done 1, skipped 0\n'],
    [
      ['delete'],
      { to: 'deleted', granted: true, mayHaveArrived: true },
      `${short} deleted: its request was on the wire, and the receiver may have it\nmatched 1, done 1, skipped 0\n`,
    ],
    [
      ['delete'],
      { to: 'delivered', granted: false },
      `${short} skipped: too late: delivered\nmatched 1, done 0, skipped 1 (too late: delivered)\n`,
    ],
    [
      ['expire'],
      { to: 'bounced', granted: false },
      `${short} skipped: too late: bounced\nmatched 1, done 0, skipped 1 (too late: bounced)\n`,
    ],
    [
      ['hold'],
      { to: 'held', granted: false },
      `${short} skipped: too late: a rule held it\nmatched 1, done 0, skipped 1 (too late: a rule held it)\n`,
    ],
    [
      ['hold'],
      { to: 'deleted', granted: true },
      `${short} skipped: deleted meanwhile\nmatched 1, done 0, skipped 1 (deleted meanwhile)\n`,
    ],
    [
      ['hold'],
      { to: 'waits' },
      `${short} skipped: asked for, and the disk refuses: look again\nmatched 1, done 0, skipped 1 (asked for, and the disk refuses: look again)\n`,
    ],
  ]
  let said: object = {}
  const { asked } = await daemon(t, world, (ids) => ids.map((it) => ({ id: it, ...said })))
  for (const [words, answer, out] of cases) {
    said = answer
    const ran = await world.run(...words, id, '--why', 'wrong')
    t.strictSame(ran, { code: 0, out, err: '' })
  }
  t.match(asked[0], { act: 'delete', ids: [id], by: String, reason: 'wrong' })
  const { out } = await world.run('delete', id, '--json')
  t.match(JSON.parse(out.split('\n')[0]!), { id, result: 'skipped' })
  said = { to: 'deleted', granted: true, mayHaveArrived: true }
  const json = await world.run('delete', id, '--json')
  t.match(JSON.parse(json.out.split('\n')[0]!), { result: 'done', note: /on the wire/ })
})

t.test('a dry run, and the other acts, ask nobody', async (t) => {
  const world = await World.open(t)
  const id = await flying(world)
  const { asked } = await daemon(t, world, () => [])
  for (const words of [['delete', '-n'], ['flush'], ['requeue'], ['release']]) {
    const { code, out } = await world.run(...words, id)
    t.equal(code, 0)
    t.match(out, /skipped: in flight$/m, words.join(' '))
  }
  t.strictSame(asked, [])
})

t.test('a message that moved meanwhile is acted on where it is', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm' })
  const lease = await world.claim('crm')
  await daemon(
    t,
    world,
    beside(async () => {
      const line = world.attempt(lease, 'deferred')
      await world.engine.settle(lease, { to: 'deferred', due: Date.now() + HOUR, line })
    }),
  )
  const { out } = await world.run('hold', 'ALL')
  t.equal(out, 'matched 1, done 1, skipped 0\n')
  t.match((await world.engine.get(id))?.entry, { state: 'hold', tries: 1 })
})

/** Does something beside the answer that nothing is under way. */
function beside(act: () => Promise<void>): (ids: string[]) => object[] {
  let begun = false
  return (ids) => {
    if (!begun) void act()
    begun = true
    return ids.map((id) => ({ id }))
  }
}

t.test('one that was delivered meanwhile is gone, and nobody says deleted', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm' })
  const lease = await world.claim('crm')
  await daemon(
    t,
    world,
    beside(async () => {
      await world.engine.settle(lease, { to: 'delivered' })
    }),
  )
  const { out } = await world.run('delete', id)
  t.match(out, /skipped: too late: gone, delivered or deleted meanwhile\n/)
})

t.test('a daemon that falls silent: nobody knows, and 75 says so', async (t) => {
  const world = await World.open(t)
  const [id, other] = [await flying(world), await world.defer({ to: 'ops' }, HOUR)]
  const server = createServer((request) => request.socket.destroy())
  const socket = socketPath(world.spool, 'control.sock')
  server.listen(socket.path)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    socket.release()
  })
  const { code, out, err } = await world.run('delete', id, other)
  t.equal(code, 75)
  t.match(out, new RegExp(`^${shortId(id)} perhaps deleted: msgqd`))
  t.match(
    out,
    /matched 2, done 1, skipped 0, not known 1/,
    'the others are done all the same',
  )
  t.match(err, /msgq: delete: msgqd: did not answer/)
  t.equal(world.files('active').length, 1)
})

t.test('a daemon that knows no such question', async (t) => {
  const world = await World.open(t)
  const id = await flying(world)
  await daemon(t, world, () => ({ status: 404, body: {} }))
  t.match(await world.run('delete', id), { code: 75, err: /answers 404/ })
})

t.test('without a daemon it is recovered, and acted on', async (t) => {
  for (const [act, state, words] of [
    ['delete', undefined, []],
    ['hold', 'hold', ['interrupted', 'held']],
    ['expire', 'bounce', ['interrupted', 'expired']],
  ] as const) {
    const world = await World.open(t)
    const id = await flying(world)
    const other = await flying(world)
    const { code, out, err } = await world.run(act, id)
    t.strictSame(
      { code, out, err },
      { code: 0, out: 'matched 1, done 1, skipped 0\n', err: '' },
    )
    const message = await world.engine.get(id)
    t.equal(message?.entry.state, state)
    const acts = message?.trail.map((line) => ('act' in line ? line.act : line.outcome))
    t.strictSame(acts ?? [], words)
    t.equal((await world.engine.get(other))?.entry.state, 'incoming', 'so is the rest')
    t.equal(
      currentHolder(new Layout(world.spool), systemClock),
      undefined,
      'and it lets go',
    )
  }
})

t.test(
  'an adoption that it recovers is held to the schema that was in force',
  async (t) => {
    const toml = `[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\nschema = "crm.json"\n`
    const world = await World.open(t, toml)
    put(join(world.environment.etc, 'msgq/crm.json'), '{"type":"object"}')
    await publishLimits(world.spool, loadConfig(world.environment, {}), systemClock.now())
    const id = await flying(world)
    const byHand = (body: string, ending: string) =>
      writeFileSync(
        join(
          world.spool,
          `active/20261120T090000.000Z,0,01JD3Z8K6Q4W5E6R7T8Y9V0A${ending}@_adopt#abc1`,
        ),
        `{"to":"crm"}\n${body}`,
      )
    byHand('hello', '1A')
    byHand('{}', '1B')
    const { code, err } = await world.run('hold', id)
    t.equal(code, 0, err)
    t.match(readFileSync(world.fileIn('corrupt'), 'utf8'), /"reason":"body: is no JSON/)
    t.match(world.files('incoming'), [/1B@crm$/])
  },
)

t.test('two verbs at once, and a daemon that starts meanwhile', async (t) => {
  const world = await World.open(t)
  const ids = [await flying(world), await flying(world), await flying(world)]
  const layout = new Layout(world.spool)
  const verb = await Lock.take(layout, systemClock, true)
  const starting = Lock.take(layout, systemClock)
  const others = [world.run('delete', ids[0]!), world.run('hold', ids[1]!, ids[0]!)]
  await sleep(600)
  t.equal(world.files('active').length, 3, 'they wait for who has it')
  await verb.release()
  const lock = await starting
  await lock.release()
  const [deleted, held] = await Promise.all(others)
  t.equal(deleted!.code, 0, deleted!.err)
  t.equal(held!.code, 0, held!.err)
  const first = (await world.engine.get(ids[0]!))?.entry.state ?? 'gone'
  t.ok(['gone', 'hold'].includes(first), `whoever came last: ${first}`)
  t.equal((await world.engine.get(ids[1]!))?.entry.state, 'hold')
  t.equal((await world.engine.get(ids[2]!))?.entry.state, 'incoming')
})

t.test('one that serves without a socket keeps what it has in hand', async (t) => {
  const world = await World.open(t)
  const id = await flying(world)
  const lock = await Lock.take(new Layout(world.spool), systemClock)
  t.teardown(() => lock.release())
  const { code, out } = await world.run('delete', id)
  t.equal(code, 0)
  t.match(out, /skipped: in flight$/m)
  t.equal(world.files('active').length, 1)
})

/**
 * journal - what an engine notes by itself, what is noted through it, and how it is read.
 */
import type { JournalLine } from '../../../src/message/journal-line.ts'
import type { JournalQuery } from '../../../src/queue/queue.ts'
import type { Promises, Rig } from './rig.ts'

/** All lines that a query means. */
async function lines(rig: Rig, query: JournalQuery = {}): Promise<JournalLine[]> {
  const found: JournalLine[] = []
  for await (const line of rig.engine.history(query)) found.push(line)
  return found
}

/** What happened to a message, in order. */
async function life(rig: Rig, id: string): Promise<string[]> {
  await rig.engine.noted()
  return (await lines(rig, { ids: [id] })).map(({ event }) => event)
}

const said = (rig: Rig, number: number): JournalLine => ({
  at: rig.clock.iso(),
  event: 'delivered',
  id: `01JD3Z8K6Q4W5E6R7T8Y${String(number).padStart(6, '0')}`,
  lane: 'ops',
  to: 'ops',
  try: number,
})

export const JOURNAL_PROMISES: Promises = {
  'what is noted is read, member by member, after a close as well': async (t, rig) => {
    const line: JournalLine = {
      ...said(rig, 1),
      status: 503,
      fault: 'receiver',
      ms: 12,
      ageMs: 34,
      reason: 'a "reason", ä',
      due: rig.clock.iso(1_000),
      by: 'ann',
      key: '42',
    }
    rig.engine.note(line)
    await rig.engine.noted()
    t.strictSame(await lines(rig), [line])
    rig.engine.note(said(rig, 2))
    await rig.restart(false)
    t.strictSame(await lines(rig), [line, said(rig, 2)])
  },

  'lines come in the order in which they were noted, or the newest first': async (
    t,
    rig,
  ) => {
    const all: JournalLine[] = []
    for (let n = 0; n < 50; n++) {
      all.push(said(rig, n))
      rig.engine.note(all[n]!)
      rig.clock.pass(3_600_000)
    }
    await rig.engine.noted()
    t.strictSame(await lines(rig), all)
    t.strictSame(await lines(rig, { reverse: true }), all.toReversed())
    t.strictSame(await lines(rig, { last: 3 }), all.slice(-3))
    t.strictSame(await lines(rig, { last: 3, reverse: true }), all.slice(-3).toReversed())
    t.strictSame(await lines(rig, { last: 0 }), [])
    t.strictSame(await lines(rig, { last: 99 }), all)
  },

  'all parts of a query must hold': async (t, rig) => {
    const began = rig.clock.now()
    for (let n = 0; n < 50; n++) {
      rig.engine.note(said(rig, n))
      rig.clock.pass(3_600_000)
    }
    await rig.engine.noted()
    const numbers = async (query: JournalQuery) =>
      (await lines(rig, query)).map((line) => line.try)
    const [after, before] = [began + 30 * 3_600_000, began + 33 * 3_600_000]
    t.strictSame(await numbers({ after, before }), [30, 31, 32])
    t.strictSame(await numbers({ after, before, last: 1 }), [32])
    t.strictSame(await numbers({ ids: ['000031', said(rig, 7).id] }), [7, 31])
    t.strictSame(await numbers({ ids: ['000031'], before: after }), [])
    const matches = (line: JournalLine) => line.try! % 20 === 3
    t.strictSame(await numbers({ matches }), [3, 23, 43])
    t.strictSame(await numbers({ matches, last: 2 }), [23, 43])
  },

  'from a mark on there is what was noted since': async (t, rig) => {
    rig.engine.note(said(rig, 1))
    const from = await rig.engine.mark()
    t.strictSame(await lines(rig, { from }), [])
    rig.engine.note(said(rig, 2))
    rig.clock.pass(86_400_000)
    rig.engine.note(said(rig, 3))
    await rig.engine.noted()
    t.match(await lines(rig, { from }), [{ try: 2 }, { try: 3 }])
  },

  'who follows hears each line once, also of the day after': async (t, rig) => {
    rig.engine.note(said(rig, 1))
    rig.engine.note(said(rig, 2))
    await rig.engine.noted()
    const end = new AbortController()
    const heard: number[] = []
    for await (const { try: number } of rig.engine.history({
      last: 1,
      follow: end.signal,
    })) {
      heard.push(number!)
      if (number === 5) end.abort()
      else if (number! % 2 === 0) {
        rig.clock.pass(43_200_000)
        rig.engine.note(said(rig, number! + 1))
        rig.engine.note(said(rig, number! + 2))
      }
    }
    t.strictSame(heard, [2, 3, 4, 5, 6])
  },

  'a message is queued once, when it leaves the door': async (t, rig) => {
    const id = await rig.send({ to: 'https://hooks.example/T0/s3cret', key: 'k-1' })
    t.strictSame(await life(rig, id), [])
    rig.clock.pass(5_000)
    const [lease] = await rig.claim()
    await rig.engine.noted()
    t.strictSame(await lines(rig), [
      {
        at: rig.clock.iso(),
        event: 'queued',
        id,
        lane: '=hooks.example_443',
        to: 'https://hooks.example/T0/...',
        ageMs: 5_000,
        by: 'uid 1000',
        key: 'k-1',
      },
    ])
    const due = rig.clock.now()
    await rig.engine.settle(lease!, {
      to: 'deferred',
      due,
      line: rig.attempt('deferred'),
    })
    await rig.claim()
    t.strictSame(await life(rig, id), ['queued'])
  },

  'so is one that is scheduled, or held by its sender': async (t, rig) => {
    const later = rig.clock.iso(60_000)
    const scheduled = await rig.send({ to: 'ops', notBefore: later })
    const held = await rig.send({ to: 'ops', hold: true })
    await rig.peek()
    await rig.claim()
    await rig.engine.noted()
    t.match(await lines(rig, { ids: [scheduled] }), [{ event: 'queued', due: later }])
    t.match(await lines(rig, { ids: [held] }), [
      { event: 'queued' },
      { event: 'held', lane: 'ops', reason: 'its sender said hold' },
    ])
    rig.clock.pass(60_000)
    await rig.claim()
    await rig.engine.act('release', { ids: [held] }, { by: 'ann' })
    await rig.claim()
    t.strictSame(await life(rig, scheduled), ['queued'])
    t.strictSame(await life(rig, held), ['queued', 'held', 'released'])
  },

  'each act is noted with who did it, and a dry run is not': async (t, rig) => {
    const ann = { by: 'ann', reason: 'mended' }
    const cases = [
      ['flush', 'deferred', 'flushed'],
      ['hold', 'deferred', 'held'],
      ['release', 'hold', 'released'],
      ['requeue', 'bounce', 'requeued'],
      ['expire', 'deferred', 'expired'],
      ['delete', 'bounce', 'deleted'],
    ] as const
    for (const [act, state, event] of cases) {
      const id = await rig.make(state)
      const before = await life(rig, id)
      await rig.engine.act(act, { ids: [id] }, { ...ann, dryRun: true })
      t.strictSame(await life(rig, id), before, 'a dry run')
      await rig.engine.act(act, { ids: [id] }, ann)
      const all = await lines(rig, { ids: [id] })
      t.strictSame(
        all.at(-1),
        { at: rig.clock.iso(), event, id, lane: state, ...ann },
        'noted when it answers',
      )
      t.equal(all.length, before.length + 1)
      await rig.engine.act('delete', { ids: [id] }, ann)
    }
    const busy = await rig.make('active')
    await rig.engine.act('hold', { ids: [busy] }, ann)
    t.strictSame(await life(rig, busy), ['queued'], 'what was skipped')
  },

  'a repeat names the first one, and a conflict bounces': async (t, rig) => {
    const first = await rig.send({ to: 'ops', key: '42' })
    await rig.claim()
    const repeat = await rig.send({ to: 'ops', key: '42' })
    const other = await rig.send({ to: 'ops', key: '42' }, 'something else')
    await rig.claim()
    await rig.claim()
    await rig.engine.noted()
    t.match(await lines(rig, { ids: [repeat] }), [
      { event: 'repeat', lane: 'ops', of: first },
    ])
    t.match(await lines(rig, { ids: [other] }), [
      { event: 'bounced', lane: 'ops', reason: /its key was given to/ },
    ])
  },

  'what was in flight at a kill, and what disproves itself, is noted': async (t, rig) => {
    const id = await rig.make('active')
    await rig.engine.noted()
    await rig.restart(true)
    t.strictSame(await life(rig, id), ['queued', 'interrupted'])
    await rig.claimFrom('active')
    t.strictSame(await life(rig, id), ['queued', 'interrupted'])
    const broken = await rig.send({ to: 'broken' })
    if (!(await rig.damage(broken))) return
    // One engine finds it when it leases, another when the body is read.
    for (const lease of await rig.claim()) await rig.engine.readBody(lease)
    t.equal((await life(rig, broken)).at(-1), 'corrupt')
    t.match((await lines(rig, { ids: [broken] })).at(-1), { lane: 'broken' })
  },

  'what another program notes is read here': async (t, rig) => {
    const desk = await rig.join()
    if (desk === undefined) return
    const id = await rig.make('bounce')
    await rig.engine.noted()
    await desk.act('delete', { ids: [id] }, { by: 'ann' })
    t.match((await lines(rig, { ids: [id] })).at(-1), { event: 'deleted', by: 'ann' })
    await desk.close()
  },
}

/**
 * storm - a daemon that serves messages of all kinds while its calls fail again and again, each
 * so often; it must bring all of them to their ends without being started anew.
 *
 * Nothing kills it, so nothing may arrive twice: what was delivered and cannot be removed is
 * kept in memory. What it could not clean up of its own the next start does.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { takeCensus } from './census.ts'
import type { ErrorName } from './fail.ts'
import { Ground } from './ground.ts'
import type { End } from './scenario.ts'
import type { Running } from './program.ts'
import type { Blow } from './strace.ts'
import { misplaced, repeatsOf } from './verdict.ts'
import type { Outcome, Wrong } from './wrong.ts'

/** What fails, from which call of a daemon that has started, and each how-manieth. */
const BLOWS: readonly (Omit<Blow, 'what'> & { readonly errors: readonly ErrorName[] })[] = [
  {
    ...{ name: 'rename', thread: 'main', nth: 4, every: 17 },
    errors: ['ENOSPC', 'EIO', 'EACCES', 'EROFS'],
  },
  {
    ...{ name: 'unlink', thread: 'pool', nth: 2, every: 4 },
    errors: ['EIO', 'EACCES', 'EROFS'],
  },
  {
    ...{ name: 'openat', thread: 'main', nth: 340, every: 19 },
    errors: ['EIO', 'EACCES', 'EMFILE'],
  },
  { ...{ name: 'writev', thread: 'main', nth: 2, every: 3 }, errors: ['ENOSPC', 'EIO'] },
  { ...{ name: 'pread64', thread: 'main', nth: 20, every: 29 }, errors: ['EIO'] },
  { ...{ name: 'fsync', thread: 'pool', nth: 3, every: 3 }, errors: ['ENOSPC', 'EIO'] },
]

/** A message whose claim failed waits for a minute, and may fail once more (ms). */
const PATIENCE = 420_000

/** How many of each kind are sent. */
const COUNTS = {
  delivered: 14,
  flaky: 8,
  bounce: 5,
  hold: 3,
  unknown: 3,
  byHand: 4,
  keyed: 4,
}

/** Lets a daemon serve in a storm of one error. */
export async function storm(error: ErrorName, below: string): Promise<Outcome> {
  const ground = await Ground.make(below)
  try {
    await ground.makeSpool()
    ground.configure({ retry: '200ms' })
    const blows = BLOWS.filter(({ errors }) => errors.includes(error)).map((blow) => ({
      ...{ name: blow.name, thread: blow.thread, nth: blow.nth, every: blow.every! },
      what: error,
    }))
    let ends: [string, readonly End[]][] = []
    const names = blows.map(({ name }) => name)
    const drive = async (running: Running): Promise<void> => {
      await running.said(/"event":"start"/)
      await sleep(500)
      ends = await flood(ground)
      await settled(ground, ends, running)
      running.signal('SIGTERM')
    }
    const patience = PATIENCE + 60_000
    const command = { program: 'msgqd', words: [], drive, idle: true, patience } as const
    const ran = await ground.trace(command, names, blows)
    const hit = ran.calls.filter(({ result }) => result.includes('(INJECTED)'))
    const hits = hit.length
    const calm = names.filter((name) => !hit.some((call) => call.name === name))
    const settledAs = takeCensus(ground.spool)
    const again = await ground.run({ program: 'msgqd', words: ['--once'] })
    const last = takeCensus(ground.spool)
    const twice = ends.filter(([mark]) => repeatsOf(ground, mark) > 0)
    const wrongs: Wrong[] = [
      ...misplaced(ground, settledAs, ends),
      ...twice.map(([mark]): Wrong => ({ kind: 'doubled', text: `${mark} came twice` })),
      ...[...last.strays, ...last.staged].map((text): Wrong => ({ kind: 'stray', text })),
    ]
    if (again.code !== 0)
      wrongs.push({ kind: 'other', text: `msgqd then: exit ${again.code}: ${again.err}` })
    if (ran.code !== 0) wrongs.push({ kind: 'other', text: `exit ${ran.code}: ${ran.err}` })
    if (calm.length > 0) wrongs.push({ kind: 'other', text: `no ${calm.join()} failed` })
    const check = await ground.msgq('check')
    if (check.code !== 0) wrongs.push({ kind: 'check', text: check.out })
    const ended = `storm with ${ends.length} messages`
    const repeats = twice.length
    return { role: undefined, what: error, hits, ended, wrongs, repeats, staged: 0 }
  } finally {
    await ground.close()
  }
}

/** Sends messages of all kinds, and says where each belongs in the end. */
async function flood(ground: Ground): Promise<[string, readonly End[]][]> {
  const ends: [string, readonly End[]][] = []
  const { receiver } = ground
  const next = (end: End): string => {
    const mark = `mark-${ends.length + 1}`
    ends.push([mark, [end]])
    return mark
  }
  for (let n = 0; n < COUNTS.delivered; n++) await ground.accept(next('delivered'))
  for (let n = 0; n < COUNTS.flaky; n++) {
    const mark = next('delivered')
    receiver.answers.set(mark, [503, 503])
    await ground.accept(mark)
  }
  for (let n = 0; n < COUNTS.bounce; n++) {
    const mark = next('bounce')
    receiver.answers.set(mark, [400, 400, 400])
    await ground.accept(mark)
  }
  for (let n = 0; n < COUNTS.hold; n++) await ground.accept(next('hold'), { hold: true })
  for (let n = 0; n < COUNTS.unknown; n++)
    await ground.accept(next('deferred'), { to: 'nowhere' })
  for (let n = 0; n < COUNTS.keyed; n++) {
    const [first, repeat] = [next('delivered'), next('gone')]
    for (const mark of [first, repeat])
      await ground.accept(mark, { key: first, to: `${receiver.url}/${first}` })
  }
  for (let n = 0; n < COUNTS.byHand; n++) {
    const mark = next('delivered')
    const envelope = { to: `${receiver.url}/${mark}`, subject: mark }
    ground.put(`incoming/by-hand-${n}`, `${JSON.stringify(envelope)}\nhello`)
  }
  ground.put('incoming/rubbish', `${next('corrupt')} has no envelope at all`)
  return ends
}

/** Waits until every message is where it belongs, or the daemon has ended. */
async function settled(
  ground: Ground,
  ends: readonly (readonly [string, readonly End[]])[],
  running: Running,
): Promise<void> {
  const end = performance.now() + PATIENCE
  while (running.alive() && performance.now() < end) {
    if (misplaced(ground, takeCensus(ground.spool), ends).length === 0) return
    await sleep(250)
  }
}

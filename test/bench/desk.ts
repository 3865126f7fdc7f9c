/**
 * desk - what an operator waits for: a count of one destination among many names, and one act on
 * many messages.
 *
 * The count is told in its own time, without the start of Node, against a bare readdir of the
 * same folder. The files are empty: for a count nobody opens them.
 */
import { randomFillSync } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { seal } from '../../src/message/envelope.ts'
import { idMaker } from '../../src/message/id.ts'
import { makeSpool, openDesk } from '../../src/queue/open.ts'
import { formatName } from '../../src/queue/spool/name.ts'
import { figure, median } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, scratch } from './ground.ts'
import { LANE, deferred } from './million.ts'

const nextId = idMaker(Date.now, (bytes) => randomFillSync(bytes))

/** `msgq mailq --to DEST --state deferred --count` among so many names. */
export async function counting(names: number, runs = 5): Promise<Figure[]> {
  const spool = await deferred(names)
  const folder = join(spool, 'deferred')
  const desk = await openDesk(spool, { clock: systemClock, anyFilesystem: true })
  const selector = { lanes: [LANE], states: ['deferred'] } as const
  const times: number[][] = [[], []]
  for (let run = -1; run < runs; run++) {
    const began = performance.now()
    await readdir(folder)
    const between = performance.now()
    const { deferred: counted } = await desk.count(selector)
    const ended = performance.now()
    if (counted !== names) throw new Error(`counted ${counted}`)
    if (run < 0) continue
    times[0]!.push(ended - between)
    times[1]!.push(between - began)
  }
  return [
    figure({
      name: `a count of one destination among ${names}`,
      unit: 'ms',
      value: median(times[0]!),
      baseline: median(times[1]!),
      against: 'readdir of the same folder',
    }),
  ]
}

/** `msgq requeue ALL` of so many messages that bounced. */
export async function requeueing(messages: number): Promise<Figure[]> {
  const spool = scratch()
  await makeSpool(spool)
  const line = '{"at":"2026-11-20T10:00:00Z","try":1,"outcome":"bounced","reason":"401"}'
  for (let n = 0; n < messages; n++) {
    const [id, now] = [nextId(), Date.now()]
    const envelope = seal({ to: 'crm' }, BODY, { id, now, sender: { uid: 0 } })
    const name = formatName({ due: now, tries: 1, id, lane: 'crm' })
    const text = `${JSON.stringify(envelope)}\n${BODY}\n${line}\n`
    writeFileSync(join(spool, 'bounce', name), text)
  }
  const began = performance.now()
  // The least that an operator with a shell could do: a rename for each.
  for (const name of await readdir(join(spool, 'bounce')))
    renameSync(join(spool, 'bounce', name), join(spool, 'hold', name))
  const bare = performance.now() - began
  for (const name of await readdir(join(spool, 'hold')))
    renameSync(join(spool, 'hold', name), join(spool, 'bounce', name))
  const desk = await openDesk(spool, { clock: systemClock, anyFilesystem: true })
  const acting = performance.now()
  const { done } = await desk.act('requeue', {}, { by: 'bench' })
  const spent = performance.now() - acting
  if (done.length !== messages) throw new Error(`requeued ${done.length}`)
  return [
    figure({
      name: `requeue of ${messages}, synced and told in each trail`,
      unit: 'per s',
      value: (messages / spent) * 1000,
      baseline: (messages / bare) * 1000,
      against: 'a bare rename of each',
    }),
  ]
}

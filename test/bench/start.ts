/**
 * start - one `msgq send` as cron starts it, against a Node that does nothing.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

import { figure, median } from './figure.ts'
import type { Figure } from './figure.ts'
import { outboxOf, scratch } from './ground.ts'

/** Time of one `msgq send`, median. */
export async function start(runs: number): Promise<Figure> {
  const spool = scratch()
  await outboxOf(spool)
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env
  const env = { ...rest, MSGQ_SPOOL: spool, MSGQ_ANY_FILESYSTEM: '1' }
  const send = [resolve('bin/msgq'), 'send', '-q', 'http://127.0.0.1:9/', '-d', 'hello']
  const times: number[][] = [[], []]
  for (let run = -1; run < runs; run++)
    for (const [which, args] of [send, ['-e', '0']].entries()) {
      const began = performance.now()
      const { status, stderr } = spawnSync(process.execPath, args, {
        env,
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${args.join(' ')}: exit ${status}: ${stderr}`)
      if (run >= 0) times[which]!.push(performance.now() - began)
    }
  return figure({
    name: 'one msgq send, from start to exit',
    unit: 'ms',
    value: median(times[0]!),
    baseline: median(times[1]!),
    against: 'node -e 0',
  })
}

/**
 * start - one `msgq send` as cron starts it, against a Node that does nothing.
 *
 * As on a machine that is in service: there is a configuration, and its daemon has published
 * what a sender must know of it.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { systemEnvironment } from '../../src/config/find.ts'
import { publishLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { environment } from './children.ts'
import { figure, median } from './figure.ts'
import type { Figure } from './figure.ts'
import { outboxOf, scratch } from './ground.ts'

/** Time of one `msgq send`, median. */
export async function start(runs: number): Promise<Figure[]> {
  const spool = scratch()
  await outboxOf(spool)
  const config = join(spool, 'msgq.toml')
  const env = { ...environment(), MSGQ_SPOOL: spool, MSGQ_CONFIG: config }
  writeFileSync(config, '[destinations.ops]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n')
  mkdirSync(join(spool, 'run'), { recursive: true })
  await publishLimits(spool, loadConfig({ ...systemEnvironment(), env }, {}), Date.now())
  const send = [resolve('bin/msgq'), 'send', '-q', 'ops', '-d', 'hello']
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
  return [
    figure({
      name: 'one msgq send, from start to exit',
      unit: 'ms',
      value: median(times[0]!),
      baseline: median(times[1]!),
      against: 'node -e 0',
      target: { of: 'ratio', most: 1.6 },
    }),
  ]
}

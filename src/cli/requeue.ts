/**
 * requeue - begins anew with messages: tries 0, the trail is kept, the lifetime starts again.
 *
 * Without --state it means those that bounced: what somebody held is not released by it. --to
 * selects, as everywhere; --redirect sends on to another destination, as a new message.
 */
import { MsgqError } from '../base/errors.ts'
import type { Flags } from '../config/find.ts'
import { defineAct } from './act.ts'
import type { ActOptions, Attempt, Deed } from './act.ts'
import { lookAround } from './around.ts'
import { stopCode, stopText } from './canary-text.ts'
import type { Io } from './command.ts'
import { spanOf } from '../intake/when.ts'
import { PATIENCE, checkCanary, checkRedirect, requeue } from '../library/requeue.ts'

interface Options extends ActOptions {
  readonly redirect?: string
  readonly keep?: boolean
  readonly canary?: boolean
  readonly timeout: string
}

export const define = defineAct<Options>({
  act: 'requeue',
  ends: '  1 the canary failed  3 it is held  124 not yet',
  extend: (command) => {
    command
      .option('--redirect <to>', 'send a new message to this destination or URL instead')
      .option('--keep', 'with --redirect: leave the old one where it is')
      .option('--canary', 'one goes first, the rest when it was delivered')
      .option(
        '--timeout <span>',
        'with --canary: wait so long for something to happen',
        PATIENCE,
      )
  },
  check,
  carryOut,
})

/** What must be right before anything is touched, and while root may still read all. */
async function check(io: Io, flags: Flags, spool: string, options: Options): Promise<void> {
  const { redirect, keep, canary, timeout } = options
  spanOf('--timeout', timeout)
  if (keep && redirect === undefined)
    throw new MsgqError('usage', '--keep: means nothing without --redirect')
  if (redirect !== undefined) checkRedirect('--redirect', redirect, undefined)
  if (redirect === undefined && !canary) return
  const { known, daemon } = await lookAround(io, flags, { spool })
  if (redirect !== undefined) checkRedirect('--redirect', redirect, known)
  if (canary && !options.dryRun) checkCanary('--canary', daemon)
}

async function carryOut(attempt: Attempt<Options>): Promise<Deed> {
  const { desk, selector, selection, act, options, io } = attempt
  const { redirect: to, keep = false, canary, timeout } = options
  const { lanes } = selector
  const isNone =
    selection.entries.length > 0 &&
    lanes !== undefined &&
    !selection.entries.some((entry) => lanes.includes(entry.lane))
  if (isNone)
    throw new MsgqError(
      'usage',
      `--to: none of these is for ${lanes.join(', ')}, nothing was done`,
      'to send them on there: --redirect',
    )
  const wish = {
    redirect: to === undefined ? undefined : { to, keep },
    canary: canary ? { patience: spanOf('--timeout', timeout) } : undefined,
  }
  const { result, stopped } = await requeue(desk, selector, act, wish, io.clock)
  if (stopped === undefined) return { result }
  const notice = stopText(stopped, spanOf('--timeout', timeout), io.clock.now())
  return { result, notice, brief: true, exitCode: stopCode(stopped) }
}

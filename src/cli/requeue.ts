/**
 * requeue - begins anew with messages: tries 0, the trail is kept, the lifetime starts again.
 *
 * Without --state it means those that bounced: what somebody held is not released by it. --to
 * selects, as everywhere; --redirect sends on to another destination, as a new message.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { checkDraft } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import { defineAct } from './act.ts'
import type { ActOptions, Attempt, Deed } from './act.ts'
import { daemonAlarm, lookAround } from './around.ts'
import type { Io } from './command.ts'
import { spanOf } from '../intake/when.ts'

interface Options extends ActOptions {
  readonly redirect?: string
  readonly keep?: boolean
  readonly canary?: boolean
  readonly timeout: string
}

export const define = defineAct<Options>({
  act: 'requeue',
  extend: (command) => {
    command
      .option('--redirect <to>', 'send a new message to this destination or URL instead')
      .option('--keep', 'with --redirect: leave the old one where it is')
      .option('--canary', 'one goes first, the rest when it was delivered')
      .option(
        '--timeout <span>',
        'with --canary: wait so long for something to happen',
        '5m',
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
  if (redirect !== undefined) checkDraftTo(redirect)
  if (redirect === undefined && !canary) return
  const around = await lookAround(io, flags, { spool })
  if (redirect !== undefined) checkKnown(redirect, around.known)
  const alarm = daemonAlarm(around)
  if (canary && !options.dryRun && alarm !== undefined)
    throw new MsgqError('unavailable', `--canary: ${alarm}`, 'start msgqd first')
}

function checkDraftTo(to: string): void {
  try {
    checkDraft({ to })
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const why = error.message.replace(/^to: /, '')
    throw new MsgqError('usage', `--redirect: ${why}`, error.hint)
  }
}

function checkKnown(to: string, known: ReadonlySet<string> | undefined): void {
  if (known === undefined || looksLikeUrl(to) || known.has(to)) return
  const meant = didYouMean(to, known)
  throw new MsgqError(
    'usage',
    `--redirect: no such destination: ${JSON.stringify(to)}`,
    meant === undefined
      ? 'msgq config lists those that there are'
      : `did you mean ${meant}?`,
  )
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
  const how = { ...act, ...(to === undefined ? {} : { redirect: { to, keep } }) }
  if (!canary || how.dryRun) return { result: await desk.act('requeue', selector, how) }
  const { flyCanary } = await import('./canary.ts')
  const patience = spanOf('--timeout', timeout)
  const { result, stopped } = await flyCanary(desk, selector, { ...how, patience }, io)
  if (stopped === undefined) return { result }
  return { result, notice: stopped.why, brief: true, exitCode: stopped.code }
}

/**
 * requeue - begins anew with messages: themselves, or new ones in their place; all at once, or
 * one first.
 *
 * What must be right is looked at before anything is touched. A canary needs a daemon, which
 * alone can deliver it.
 */
import type { Clock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { checkDraft } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import type { Selector } from '../message/selector.ts'
import type { ActOptions, Desk, Redirect } from '../queue/queue.ts'
import type { Flight } from './canary.ts'
import { daemonAlarm } from './daemon.ts'
import type { Daemon } from './daemon.ts'

/** How long nothing may happen to a canary, in words. */
export const PATIENCE = '5m'

/** What is wanted beside the plain act. */
export interface Wish {
  readonly redirect?: Redirect | undefined
  /** One goes first; nothing may happen for so long (ms). */
  readonly canary?: { readonly patience: number } | undefined
}

/** Throws (usage) for a redirect to nowhere; `known` are the destinations, where one can tell. */
export function checkRedirect(
  label: string,
  to: string,
  known: ReadonlySet<string> | undefined,
): void {
  try {
    checkDraft({ to })
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const why = error.message.replace(/^to: /, '')
    throw new MsgqError('usage', `${label}: ${why}`, error.hint)
  }
  if (known === undefined || looksLikeUrl(to) || known.has(to)) return
  const meant = didYouMean(to, known)
  throw new MsgqError(
    'usage',
    `${label}: no such destination: ${JSON.stringify(to)}`,
    meant === undefined
      ? 'msgq config lists those that there are'
      : `did you mean ${meant}?`,
  )
}

/** Throws (unavailable) where nobody would deliver a canary. */
export function checkCanary(label: string, daemon: Daemon): void {
  const alarm = daemonAlarm(daemon)
  if (alarm === undefined) return
  throw new MsgqError('unavailable', `${label}: ${alarm}`, 'start msgqd first')
}

/** Requeues what is selected. */
export async function requeue(
  desk: Desk,
  selector: Selector,
  options: ActOptions,
  { redirect, canary }: Wish,
  clock: Clock,
): Promise<Flight> {
  const how = redirect === undefined ? options : { ...options, redirect }
  if (canary === undefined || how.dryRun)
    return { result: await desk.act('requeue', selector, how) }
  const { flyCanary } = await import('./canary.ts')
  return flyCanary(desk, selector, { ...how, patience: canary.patience }, clock)
}

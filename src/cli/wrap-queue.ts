/**
 * wrap-queue - gets what `msgq wrap` has to say into the queue, or says that it could not.
 *
 * Never throws: the command has run, and whatever is wrong here must not hide how it ended.
 */
import type { Stats } from 'node:fs'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { asOwner, mayBecome, ownerToBe } from './become.ts'
import { tooLarge } from './body.ts'
import type { Io } from './command.ts'
import { draftFor } from '../intake/compose.ts'
import { checkFit } from '../intake/fit.ts'
import { openDoor } from './door.ts'
import { receiversOf } from '../intake/recipient.ts'
import type { Draft } from '../message/draft.ts'
import type { Ended } from './run-command.ts'
import { senderHere } from '../library/sender.ts'
import { batchLine } from './show-batch.ts'
import { termsOf } from '../library/terms.ts'
import type { Terms } from '../intake/terms.ts'
import type { Report } from './wrap-report.ts'

/** How a report gets to whom it is for, or why it does not. */
export type Route =
  | { readonly place: SpoolPlace; readonly terms: Terms; readonly receivers: string[] }
  | { readonly trouble: MsgqError }

/** Looked for before the command runs, so that a typing error is seen at once. */
export async function findRoute(
  to: string | undefined,
  io: Io,
  flags: Flags,
): Promise<Route> {
  try {
    const place = await findSpool(io.environment, flags)
    const terms = await termsOf(io, flags, place, 'wrap')
    const given = to ?? (io.environment.env['MSGQ_TO'] || undefined)
    return { place, terms, receivers: receiversOf(given, terms) }
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    io.warn(`wrap: nobody will hear of it: ${error.message}`, error.hint)
    return { trouble: error }
  }
}

/** Queues the report, or says it on stderr; true when every receiver's is durable. */
export async function queueReport(
  { draft, body }: Report,
  route: Route,
  io: Io,
): Promise<boolean> {
  try {
    await queue(draft, Buffer.from(body), route, io)
    return true
  } catch (error) {
    io.warn(`wrap: the report could not be queued: ${plainError(error)}`, hintOf(error))
    io.stderr.write(`${draft.subject}\n\n${body}${body.endsWith('\n') ? '' : '\n'}`)
    return false
  }
}

/** Queues what a command printed; 0, or the exit code that says that it could not be. */
export async function queueStdout(
  { stdout }: Ended,
  { draft }: Report,
  route: Route,
  io: Io,
): Promise<number> {
  try {
    if ('trouble' in route) throw route.trouble
    if (stdout === undefined) throw tooLarge(route.terms.messageSizeLimit)
    const { contentType: _, ...said } = draft
    await queue(said, stdout, route, io)
    return 0
  } catch (error) {
    io.warn(`wrap: what it printed is not queued: ${plainError(error)}`, hintOf(error))
    return error instanceof MsgqError && error.code === 'data' ? 65 : 75
  }
}

async function queue(
  draft: Report['draft'],
  body: Buffer,
  route: Route,
  io: Io,
): Promise<void> {
  if ('trouble' in route) throw route.trouble
  const { place, terms, receivers } = route
  const drafts = receivers.map((to) => draftFor(to, draft, body, terms))
  for (const each of drafts) checkFit(each, body, terms)
  const owner = mayBecome() ? undefined : ownerToBe(place.spool)
  if (owner !== undefined) return queueAgain(drafts, body, place, owner)
  const sender = senderHere()
  await asOwner(place.spool, async () => {
    const outbox = await openDoor(io, place, terms)
    const queued = await Promise.allSettled(
      drafts.map((each) => outbox.enqueue({ draft: each, body, sender })),
    )
    for (const one of queued) if (one.status === 'rejected') throw one.reason
  })
}

/** Where root cannot become the spool's owner. */
async function queueAgain(
  drafts: readonly Draft[],
  body: Buffer,
  place: SpoolPlace,
  owner: Stats,
): Promise<void> {
  const { sendAs } = await import('./again.ts')
  const lines = drafts.map((draft) => batchLine(draft, body))
  const trouble = await sendAs(owner, place, lines.join(''))
  if (trouble !== undefined)
    throw new MsgqError('temporary', trouble.replace(/^msgq: send: /, ''))
}

function hintOf(error: unknown): string | undefined {
  return error instanceof MsgqError ? error.hint : undefined
}

/**
 * stray-lane - says of a selection that found nothing that its --to is nobody's name.
 *
 * A warning and no error: what a destination left behind is meant by its name long after the
 * configuration has forgotten it.
 */
import { didYouMean } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { listed } from '../library/lane-words.ts'
import { isDestinationName } from '../message/lane.ts'
import { destinationsHere } from './around.ts'
import type { Io } from './command.ts'

/** Warns of each of these lanes that no destination has for a name. */
export async function warnOfStray(
  io: Io,
  flags: Flags,
  { command, spool }: { readonly command: string; readonly spool: string },
  lanes: readonly string[] = [],
): Promise<void> {
  const names = lanes.filter(isDestinationName)
  const known = names.length === 0 ? undefined : await destinationsHere(io, flags, spool)
  // Where there are none nobody mistyped one.
  if (known === undefined || known.size === 0) return
  for (const name of names) {
    if (known.has(name)) continue
    const meant = didYouMean(name, known)
    const hint = meant === undefined ? listed(known) : `did you mean ${meant}?`
    io.warn(`${command}: --to: no such destination: ${JSON.stringify(name)}`, hint)
  }
}

/**
 * lane-desk - what suspend and resume have in common: which lanes the words of a line mean, and
 * what is said of a daemon that does not hear.
 */
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import { checkReadable, openDesk } from '../queue/open.ts'
import { destinationsHere } from './around.ts'
import { becomeOwner } from './become.ts'
import type { Io } from './command.ts'
import { lanesIn } from '../library/lane-words.ts'
import { suspensionsNow } from '../library/lanes.ts'
import type { LanesMeant, Told } from '../library/lanes.ts'
import { operatorHere } from '../library/sender.ts'

/** Opens a spool for the lanes of these words. Root comes out of this as the spool's owner. */
export async function openLaneDesk(
  io: Io,
  flags: Flags,
  words: readonly string[],
): Promise<LanesMeant> {
  const { spool, anyFilesystem } = await findSpool(io.environment, flags)
  const by = operatorHere(io.environment)
  checkReadable(spool)
  // Read first: the configuration may be root's alone.
  const known = await destinationsHere(io, flags, spool)
  becomeOwner(spool)
  const desk = await openDesk(spool, { clock: io.clock, anyFilesystem })
  const before = await suspensionsNow(desk, io.clock)
  const all = words.includes('ALL')
  if (all && words.length > 1)
    throw new MsgqError(
      'usage',
      'ALL: stands alone, without lanes',
      'leave out one of them',
    )
  const lanes = all
    ? [...before.keys()]
    : lanesIn(words, known && new Set([...known, ...before.keys()]))
  return { spool, desk, clock: io.clock, by, lanes, before }
}

/** What a person should know of how the daemon took it; undefined where it did. */
export function noticeOf({ heard }: Told): string | undefined {
  switch (heard.kind) {
    case 'told':
      return undefined
    case 'nobody':
      return 'msgqd is not running: it counts from its next start'
    case 'refused':
      return `msgqd answers ${heard.status}: it counts from its next start`
    case 'mute':
      return heard.trouble.message
  }
}

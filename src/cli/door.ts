/**
 * door - opens a spool to queue messages in it. The last thing before the first write.
 */
import type { SpoolPlace } from '../config/find.ts'
import { openOutbox } from '../queue/open.ts'
import type { OutboxOptions } from '../queue/open.ts'
import type { Outbox } from '../queue/queue.ts'
import { becomeOwner } from './become.ts'
import type { Io } from './command.ts'
import type { Terms } from '../intake/terms.ts'

/** The door of the spool. Root comes out of this as the spool's owner. */
export async function openDoor(
  io: Io,
  place: SpoolPlace,
  terms: Terms,
  means: Pick<OutboxOptions, 'digest' | 'nextId'> = {},
): Promise<Outbox> {
  becomeOwner(place.spool)
  return openOutbox(place.spool, {
    clock: io.clock,
    messageSizeLimit: terms.messageSizeLimit,
    minFree: terms.minFree,
    anyFilesystem: place.anyFilesystem,
    create: place.spoolIsDefault,
    ...means,
  })
}

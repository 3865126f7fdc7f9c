/**
 * timed-sync - the sync of a folder, whose time somebody wants to know.
 */
import type { Clock } from '../../base/clock.ts'
import { syncFolder } from '../../base/durable.ts'

/** Hears what a sync took (ms), also one that failed. */
export type OnSync = (what: 'accepted' | 'moved', ms: number) => void

export function timedSync(
  what: 'accepted' | 'moved',
  clock: Clock,
  onSync: OnSync | undefined,
): typeof syncFolder {
  if (onSync === undefined) return syncFolder
  return async (path, calls) => {
    const began = clock.monotonic()
    try {
      await syncFolder(path, calls)
    } finally {
      onSync(what, clock.monotonic() - began)
    }
  }
}

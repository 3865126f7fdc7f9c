/**
 * act - does an act to all that is meant: what lies in a folder, and what is under way.
 */
import type { ActOptions } from '../queue/queue.ts'
import { NO_NOTES, actInFlight } from './in-flight.ts'
import type { InFlight, Meant, Surroundings } from './in-flight.ts'

/** What is meant, and who hears how far it is. */
export interface Deed extends Meant, Pick<ActOptions, 'onProgress'> {
  readonly dryRun: boolean
}

/** The options of an engine for it. */
export function optionsOf({
  by,
  why,
  dryRun,
  onProgress,
}: Omit<Deed, 'act' | 'selector'>): ActOptions {
  return {
    by,
    dryRun,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(why === undefined ? {} : { reason: why }),
  }
}

/** Does it; what is under way the daemon is asked for. */
export async function actOn(deed: Deed, around: Surroundings): Promise<InFlight> {
  const result = await around.desk.act(deed.act, deed.selector, optionsOf(deed))
  if (deed.dryRun) return { result, notes: NO_NOTES }
  return actInFlight(deed, result, around)
}

/**
 * stage - a run from its first folder to its last: whatever ends it, its programs end with it and
 * its files are removed.
 */
import { endAll } from './children.ts'
import { cleanUp, standOn, standOnJournal } from './ground.ts'

export interface Place {
  readonly journal: boolean
  readonly on?: string | undefined
}

/** Does the measuring of a run; removes what it wrote. */
export async function onStage(place: Place, run: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void endAll().then(() => process.exit(130))
    })
  // Also when something throws that nobody waits for.
  process.once('exit', cleanUp)
  if (place.journal) standOnJournal()
  else standOn(place.on ?? '.')
  try {
    await run()
  } finally {
    await endAll()
    cleanUp()
  }
}

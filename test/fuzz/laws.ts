/**
 * laws - all of them, in the order in which they are run and told.
 */
import { configurationLaws } from './configurations.ts'
import { envelopeLaws } from './envelopes.ts'
import { inputLaws } from './inputs.ts'
import { scratch } from './law.ts'
import type { Law } from './law.ts'
import { messageFileLaws } from './message-files.ts'
import { nameLaws } from './names.ts'
import { receiverLaws } from './receivers.ts'
import { spanLaws } from './spans.ts'

/** Every law, with a folder of its own for those that need files. */
export function allLaws(): Law[] {
  const folder = scratch()
  return [
    ...messageFileLaws(folder),
    ...envelopeLaws,
    ...nameLaws,
    ...spanLaws,
    ...receiverLaws,
    ...inputLaws,
    ...configurationLaws(folder),
  ]
}

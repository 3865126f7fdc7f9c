/**
 * unfit - holds what was made of an event and is not what its destination asks for.
 *
 * Its author sent an event and cannot know of the destination's schema: it is held, as what a
 * template cannot make is, until somebody mends template or schema.
 */
import { basename } from 'node:path'

import { printable } from '../base/text.ts'
import type { Destination } from '../config/config.ts'
import { compiledSchema } from '../config/schema.ts'
import { bytesOf } from '../message/body.ts'
import type { Body } from '../message/body.ts'
import { misfitOf } from '../message/misfit.ts'
import type { Outcome } from '../message/outcome.ts'

/** The outcome of a body that its destination does not take; undefined for one that fits. */
export async function unfit(
  body: Body,
  { name, schema }: Destination,
): Promise<Outcome | undefined> {
  if (schema === undefined) return undefined
  const misfit = misfitOf(compiledSchema(schema), await bytesOf(body), false)
  if (misfit === undefined) return undefined
  const why = `what goes out is not what ${name} takes: ${misfit.why} (${basename(schema.file)})`
  return { kind: 'held', fault: 'configuration', reason: printable(why, 500) }
}

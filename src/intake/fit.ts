/**
 * fit - whether a message's body is what its destination, or its event, asks for.
 *
 * A message that its receiver would refuse is refused while its author is still there. The same
 * at each door. One without a body, by a method that has none, is not looked at; nor is one of
 * which nobody can tell where it goes.
 */
import { basename } from 'node:path'

import { MsgqError } from '../base/errors.ts'
import { compiledSchema } from '../config/schema.ts'
import type { Schema } from '../config/schema.ts'
import { BODYLESS } from '../message/draft.ts'
import type { Draft } from '../message/draft.ts'
import { globFits } from '../message/glob.ts'
import { misfitOf } from '../message/misfit.ts'
import type { Terms } from './terms.ts'

/** A body that a schema refuses. */
export class MisfitError extends MsgqError {
  /** JSON Pointer of the member that is wrong; '' is the whole body. */
  readonly pointer: string

  constructor(pointer: string, message: string, hint: string) {
    super('data', message, hint)
    this.pointer = pointer
  }
}

/** Throws a MisfitError. Its author is `shown` what stands where it does not fit. */
export function checkFit(
  draft: Draft,
  body: Uint8Array,
  terms: Pick<Terms, 'destinations' | 'eventSchemas'>,
  shown = true,
): void {
  const { to, event, method } = draft
  const destination = to === undefined ? undefined : terms.destinations?.get(to)
  const { schema } = destination ?? {}
  if (schema !== undefined) {
    const isBodyless = BODYLESS.has(method ?? destination?.method ?? 'POST')
    if (body.length > 0 || !isBodyless) check(schema, body, to!, shown)
  }
  if (event !== undefined && to === undefined)
    for (const each of terms.eventSchemas ?? [])
      if (globFits(each.event, event)) check(each, body, `event ${event}`, shown)
}

/** Why a body is refused, for who keeps it all the same; says nothing of what stands in it. */
export function misfitIn(
  draft: Draft,
  body: Uint8Array,
  terms: Pick<Terms, 'destinations' | 'eventSchemas'>,
): string | undefined {
  try {
    checkFit(draft, body, terms, false)
    return undefined
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error
    return `${error.message} (${error.hint})`
  }
}

function check(schema: Schema, body: Uint8Array, of: string, shown: boolean): void {
  const misfit = misfitOf(compiledSchema(schema), body, shown)
  if (misfit === undefined) return
  const { pointer, why } = misfit
  const hint = `the schema of ${of} says so: ${basename(schema.file)}`
  throw new MisfitError(pointer, `body: ${why}`, hint)
}

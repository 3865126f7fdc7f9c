/**
 * misfit - why a body is not what a schema asks for.
 *
 * A body is read as JSON whatever its type says: as UTF-8, and of two members of one name the
 * last one counts. What is said of it is printable.
 */
import { isUtf8 } from 'node:buffer'

import type { CompiledSchema } from '../base/json-schema.ts'
import { mismatchText } from '../base/mismatch.ts'
import { printable } from '../base/text.ts'

export interface Misfit {
  /** JSON Pointer of the member that is wrong; '' is the whole body. */
  readonly pointer: string
  /** With the pointer before it, where there is one. */
  readonly why: string
}

/**
 * Undefined for a body that fits. Its author is `shown` what stands there; what ends in a log says
 * only of which kind that is.
 */
export function misfitOf(
  schema: CompiledSchema,
  body: Uint8Array,
  shown = true,
): Misfit | undefined {
  const none = (why: string) => ({ pointer: '', why: `is no JSON: ${why}` })
  if (body.length === 0) return none('is empty')
  if (!isUtf8(body)) return none('is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString())
  } catch (error) {
    return none(shown ? printable((error as Error).message, 120) : 'cannot be parsed')
  }
  const mismatch = schema.check(value)
  if (mismatch === undefined) return undefined
  return { pointer: mismatch.pointer, why: mismatchText(mismatch, shown) }
}

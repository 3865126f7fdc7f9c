/**
 * schema - a JSON Schema of a destination or of events, as it is in force: its text, plain data.
 *
 * Compiled when it is first asked, once for as long as somebody holds it. Cheap to import.
 */
import { compileSchema } from '../base/json-schema.ts'
import type { CompiledSchema } from '../base/json-schema.ts'

/** A JSON Schema that was found to be one. */
export interface Schema {
  /** Where it was read. */
  readonly file: string
  /** What it says, as JSON. */
  readonly text: string
}

/** What the body of some events must be. */
export interface EventSchema extends Schema {
  /** A glob that the event's name fits. */
  readonly event: string
}

const known = new WeakMap<Schema, CompiledSchema>()

/** What a schema asks for; it was judged when it was read, and is not judged again. */
export function compiledSchema(schema: Schema): CompiledSchema {
  const before = known.get(schema)
  if (before !== undefined) return before
  const compiled = compileSchema(JSON.parse(schema.text), true)
  known.set(schema, compiled)
  return compiled
}

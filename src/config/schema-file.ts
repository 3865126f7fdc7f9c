/**
 * schema-file - the JSON Schemas that destinations and events name: files, read at load.
 *
 * A path is relative to the file that names it. What can never be used is a problem of the
 * configuration, with its file and the place in it.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isUtf8 } from 'node:buffer'

import * as v from 'valibot'

import { plainError } from '../base/errno.ts'
import { SchemaDefect, compileSchema } from '../base/json-schema.ts'
import { hasControl, printable } from '../base/text.ts'
import { problemAt } from './problem.ts'
import type { Path, Problem } from './problem.ts'
import type { EventSchema, Schema } from './schema.ts'
import { placeOf } from './sources.ts'
import type { Source } from './sources.ts'
import { isTable } from './toml.ts'
import { because, text as textOption } from './values.ts'

/** Larger ones are not meant: each sender reads them with the limits. */
const MOST = 256 * 1024

const FILE_HINT = 'write the name of a file: "chat.json"'
const TABLE_HINT = 'write [events.schema], and below it "user.*" = "user.json"'

function fileName() {
  return textOption(
    (name) => (name === '' || hasControl(name) ? 'names no file' : undefined),
    FILE_HINT,
  )
}

/** Of a destination. */
export const schemaEntry = { schema: v.optional(fileName()) }

/** `[events.schema]`: a file for each name of an event, or glob of names. */
export function eventSchemas() {
  return v.pipe(
    v.custom<Record<string, unknown>>(isTable, because('is not a table', TABLE_HINT)),
    v.record(v.string(), fileName()),
  )
}

/** Where what is said of schemas goes. */
export interface Said {
  readonly problems: Problem[]
  readonly warnings: string[]
}

/** The schema that an option names; undefined for one with a problem. */
export function readSchema(
  source: Source,
  path: Path,
  name: string,
  { problems, warnings }: Said,
): Schema | undefined {
  const file = resolve(dirname(source.file), name)
  const place = placeOf(source, path)
  try {
    const given = parse(readText(file))
    for (const remark of compileSchema(given).remarks)
      warnings.push(problemAt(place, `${file}: ${remark}, and asks for nothing`).message)
    return { file, text: JSON.stringify(given) }
  } catch (error) {
    if (!(error instanceof SchemaDefect)) throw error
    problems.push(problemAt(place, `${file}: ${error.message}`, error.hint))
    return undefined
  }
}

/** Those of `[events.schema]`, in the order of the file. */
export function readEventSchemas(
  source: Source,
  given: Readonly<Record<string, string>>,
  said: Said,
): readonly EventSchema[] {
  return Object.entries(given).flatMap(([event, name]) => {
    const schema = readSchema(source, ['events', 'schema', event], name, said)
    return schema === undefined ? [] : [{ event, ...schema }]
  })
}

function readText(file: string): string {
  let bytes
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new SchemaDefect(plainError(error))
  }
  if (bytes.length > MOST) throw new SchemaDefect(`is over ${MOST / 1024}KiB`)
  if (!isUtf8(bytes)) throw new SchemaDefect('is not UTF-8 text')
  return bytes.toString().replace(/^\uFEFF/, '')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SchemaDefect(`is no JSON: ${printable((error as Error).message, 200)}`)
  }
}

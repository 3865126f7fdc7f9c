/**
 * json-schema - what a JSON Schema asks of a value, compiled once, and asked of many.
 *
 * Draft 2020-12 where `$schema` says nothing; 2019-09, draft-07 and draft-06 where it does. By
 * ajv, loaded when the first schema is compiled. Nothing is fetched: what another document would
 * have to be read for is a defect. Patterns are RE2's (pattern.ts) and elements are compared by
 * their text, so that the text of a stranger is looked at in linear time. A value is never changed.
 */
import { createRequire } from 'node:module'

import type { Options } from 'ajv'

import { mismatchOf, mismatchText } from './mismatch.ts'
import type { Mismatch } from './mismatch.ts'
import { compilePattern, translatePattern } from './pattern.ts'
import { printable } from './text.ts'
import { hasTwins } from './twin-values.ts'

export interface CompiledSchema {
  /** What is first found to be not as the schema wants it; undefined when all is. */
  readonly check: (value: unknown) => Mismatch | undefined
  /** What stands in it and means nothing, each a printable text. */
  readonly remarks: readonly string[]
}

/** Why a schema is none; the message says where in it. */
export class SchemaDefect extends Error {
  readonly hint: string | undefined

  constructor(why: string, hint?: string) {
    super(printable(why, 500))
    this.name = 'SchemaDefect'
    this.hint = hint
  }
}

/** By `$schema`, which class of ajv speaks it. The first holds where it is missing. */
const DIALECTS = [
  {
    says: /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/,
    ajv: 'ajv/dist/2020.js',
  },
  {
    says: /^https?:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/,
    ajv: 'ajv/dist/2019.js',
  },
  { says: /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/, ajv: 'ajv' },
] as const

type Dialect = (typeof DIALECTS)[number]
type Ajv = InstanceType<typeof import('ajv').Ajv>

/** Keywords that ajv lacks a word for, and that need none. */
const SILENT = ['$anchor', 'example', 'externalDocs', 'xml']
const UNKNOWN_KEYWORD = /^strict mode: unknown keyword: "(.*)"$/s

const load = createRequire(import.meta.url)

/** Compiles a schema; throws a SchemaDefect. One that was compiled before is not judged again. */
export function compileSchema(given: unknown, wasGood = false): CompiledSchema {
  if (typeof given !== 'boolean' && !isObject(given))
    throw new SchemaDefect('is no schema: it is neither an object nor true or false')
  const dialect = dialectOf(given)
  // Its dialect is chosen; what is left is judged by that.
  const { $schema: _, ...members } =
    given === true ? {} : given === false ? { not: {} } : given
  if (members['$async'] !== undefined)
    throw new SchemaDefect('$async: is no keyword of JSON Schema')
  if (!wasGood) judge(dialect, members)
  const remarks = new Set<string>()
  const ajv = makeAjv(dialect, { meta: false, validateSchema: false }, (said) => {
    const [, keyword = ''] = UNKNOWN_KEYWORD.exec(said) ?? []
    if (keyword === '') remarks.add(said)
    else if (!keyword.startsWith('x-')) remarks.add(`"${keyword}" is no keyword`)
  })
  for (const format of formatsIn(members))
    if (ajv.formats[format] === undefined) {
      ajv.addFormat(format, true)
      remarks.add(`"${format}" is no format that is known`)
    }
  const validate = compiled(ajv, members)
  return {
    remarks: [...remarks].map((remark) => printable(remark, 200)),
    check: (value) => {
      try {
        return validate(value) ? undefined : mismatchOf(validate.errors ?? [], members)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        return { pointer: '', why: 'is nested too deeply to be checked' }
      }
    },
  }
}

function dialectOf(schema: boolean | Readonly<Record<string, unknown>>): Dialect {
  const said = typeof schema === 'boolean' ? undefined : schema['$schema']
  if (said === undefined) return DIALECTS[0]
  const dialect = DIALECTS.find(({ says }) => typeof said === 'string' && says.test(said))
  if (dialect !== undefined) return dialect
  throw new SchemaDefect(
    `/$schema: is a draft that is not spoken here: ${printable(String(said), 100)}`,
    'there are 2020-12, 2019-09, draft-07 and draft-06',
  )
}

/** Those that judge schemas: what they need for that they compile once. */
const judges = new Map<Dialect, Ajv>()

/** Throws for what the schema of schemas says no to. */
function judge(dialect: Dialect, schema: object): void {
  const known = judges.get(dialect)
  const ajv = known ?? makeAjv(dialect, {}, () => {})
  judges.set(dialect, ajv)
  if (ajv.validateSchema(schema) === true) return
  const mismatch = mismatchOf(ajv.errors ?? [])
  const isTuple = mismatch.pointer.endsWith('/items') && Array.isArray(mismatch.there)
  const hint = 'in 2020-12 a list of schemas is prefixItems; or say "$schema"'
  throw new SchemaDefect(mismatchText(mismatch), isTuple ? hint : undefined)
}

function compiled(ajv: Ajv, schema: object): ReturnType<Ajv['compile']> {
  try {
    return ajv.compile(schema)
  } catch (error) {
    if (error instanceof SchemaDefect) throw error
    const { missingRef } = error as { missingRef?: string }
    if (missingRef === undefined) throw new SchemaDefect((error as Error).message)
    throw missingRef.startsWith('#')
      ? new SchemaDefect(`$ref: leads nowhere: ${missingRef}`)
      : new SchemaDefect(
          `$ref: names another document, and none is fetched: ${missingRef}`,
          'put what it says under $defs, and write "#/$defs/NAME"',
        )
  }
}

function makeAjv(dialect: Dialect, options: Options, warn: (said: string) => void): Ajv {
  const { default: Class } = load(dialect.ajv) as { default: typeof import('ajv').Ajv }
  const { default: addFormats } = load('ajv-formats') as {
    default: (ajv: Ajv) => unknown
  }
  const ajv = new Class({
    ...options,
    strict: 'log',
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    logger: { log: warn, warn, error: warn },
    // A member that every object inherits is none that the message has.
    ownProperties: true,
    addUsedSchema: false,
    verbose: true,
    code: { regExp: Object.assign(engine, { code: '' }) },
  })
  for (const keyword of SILENT) ajv.addKeyword(keyword)
  // Its own compares each element with each.
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    validate: (wanted: boolean, list: readonly unknown[]) => !wanted || !hasTwins(list),
  })
  addFormats(ajv)
  return ajv
}

/** ajv tells patterns apart by their text. */
function engine(source: string): RegExp {
  let why: string
  try {
    const { test } = compilePattern(translatePattern(source))
    return { test, toString: () => source } as RegExp
  } catch (error) {
    why = (error as Error).message.replace(/^error parsing regexp: /, '')
  }
  throw new SchemaDefect(
    `pattern: cannot be used: ${printable(JSON.stringify(source), 100)}: ${why}`,
    'patterns are those of RE2: no look-around, no reference back, {n} up to 1000',
  )
}

/** Every text that stands as a `format`, wherever that is. */
function formatsIn(schema: unknown): Set<string> {
  const found = new Set<string>()
  const left: unknown[] = [schema]
  for (let each = left.pop(); each !== undefined; each = left.pop()) {
    if (typeof each !== 'object' || each === null) continue
    const { format } = each as { format?: unknown }
    if (typeof format === 'string') found.add(format)
    for (const inner of Object.values(each)) if (inner !== undefined) left.push(inner)
  }
  return found
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}

/**
 * mismatch - what a JSON Schema wanted and what was there, in words, out of ajv's errors.
 *
 * One thing is said: the first that was found. Where several shapes were allowed it is what the one
 * wanted whose constant is there; without one what one of them wanted, of which the most is there.
 */
import type { ErrorObject } from 'ajv'

import { didYouMean, printable } from './text.ts'

export interface Mismatch {
  /** JSON Pointer (RFC 6901) of the member; '' is the whole. */
  readonly pointer: string
  /** `wants a number`, `is missing`. */
  readonly why: string
  /** What stands there, where that says something. */
  readonly there?: unknown
}

/** What is wrong, on one line. Without `shown` only the kind of what was there is named. */
export function mismatchText({ pointer, why, there }: Mismatch, shown = true): string {
  const where = pointer === '' ? '' : `${printable(pointer, 200)}: `
  if (there === undefined) return `${where}${printable(why, 500)}`
  return `${where}${printable(why, 500)}, and there is ${shown ? show(there) : kindOf(there)}`
}

/**
 * What ajv found, in the order in which it did. Where several are told, the last is the outermost.
 * In `root` stands what a $ref names.
 */
export function mismatchOf(errors: readonly ErrorObject[], root?: unknown): Mismatch {
  const outer = errors.findLast(({ keyword }) => keyword !== 'if')
  if (outer === undefined) return { pointer: '', why: 'is not what its schema wants' }
  if (outer.keyword !== 'anyOf' && outer.keyword !== 'oneOf') return plain(outer)
  if (Array.isArray(outer.params['passingSchemas']))
    return { ...plain(outer), why: 'wants exactly one of its shapes, and has two of them' }
  const inner = errors.slice(0, errors.indexOf(outer))
  const meant = tagged(outer, inner, root)
  if (meant !== undefined) return meant
  const deeper = inner.filter((error) => depth(error) > depth(outer))
  // A shape of another kind says so in a constant: what is said of it helps nobody.
  const telling = deeper.filter(({ keyword }) => keyword !== 'const' && keyword !== 'enum')
  const [first] = (telling.length > 0 ? telling : deeper).toSorted(
    (a, b) => depth(b) - depth(a),
  )
  if (first !== undefined) {
    const { why, ...rest } = plain(first)
    return { ...rest, why: `${why} (by one of the shapes that may stand there)` }
  }
  const wants = new Set(inner.map((error) => plain(error).why.replace(/^wants /, '')))
  return { ...plain(outer), why: `wants ${[...wants].join(', or ')}` }
}

/** What is said where a constant, such as that of `kind`, tells each shape from the others. */
function tagged(
  outer: ErrorObject,
  inner: readonly ErrorObject[],
  root: unknown,
): Mismatch | undefined {
  const { schema, schemaPath, instancePath, data } = outer
  const shapes = (schema as readonly unknown[]).map((shape, at) => {
    const { $ref: ref } = Object(shape) as { $ref?: unknown }
    return typeof ref === 'string'
      ? { path: ref, tags: tagsOf(pointed(root, ref)) }
      : { path: `${schemaPath}/${at}`, tags: tagsOf(shape) }
  })
  const [first] = shapes
  const tag = Object.keys(first?.tags ?? {}).find((name) =>
    shapes.every(({ tags }) => Object.hasOwn(tags, name)),
  )
  if (tag === undefined || !Object.hasOwn(Object(data) as object, tag)) return undefined
  const there = (data as Readonly<Record<string, unknown>>)[tag]
  const same = shapes.filter(({ tags }) => tags[tag] === there)
  if (same.length === 0) {
    const wants = listed([...new Set(shapes.map(({ tags }) => tags[tag]))])
    return { pointer: `${instancePath}/${escaped(tag)}`, why: `wants ${wants}`, there }
  }
  const theirs = inner.filter((error) => error.schemaPath.startsWith(`${same[0]!.path}/`))
  return same.length > 1 || theirs.length === 0 ? undefined : mismatchOf(theirs, root)
}

/** The members of a shape that may be one thing only. */
function tagsOf(shape: unknown): Readonly<Record<string, unknown>> {
  const { properties } = Object(shape) as { properties?: object }
  const tags = Object.entries(properties ?? {}).flatMap(([name, member]) => {
    const { const: only, enum: some } = Object(member) as {
      const?: unknown
      enum?: unknown
    }
    const all = only === undefined ? some : [only]
    return Array.isArray(all) && all.length === 1 ? [[name, all[0]] as const] : []
  })
  return Object.fromEntries(tags)
}

/** What stands in a schema where a reference within it leads. */
function pointed(root: unknown, ref: string): unknown {
  let place = root
  for (const step of ref.split('/').slice(1))
    place = (Object(place) as Record<string, unknown>)[
      step.replaceAll('~1', '/').replaceAll('~0', '~')
    ]
  return ref.startsWith('#/') ? place : undefined
}

function depth(error: ErrorObject): number {
  return plain(error).pointer.split('/').length
}

function plain(error: ErrorObject): Mismatch {
  const { instancePath: pointer, keyword, params, data, parentSchema } = error
  const below = (name: unknown) => `${pointer}/${escaped(String(name))}`
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return { pointer: below(params['missingProperty']), why: 'is missing' }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params['additionalProperty'] ?? params['unevaluatedProperty'])
      const { properties } = (parentSchema ?? {}) as { properties?: object }
      const meant = didYouMean(name.slice(0, 100), Object.keys(properties ?? {}))
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      return { pointer: below(name), why: `is no member that is known there${hint}` }
    }
    case 'propertyNames':
      return {
        pointer: below(params['propertyName']),
        why: 'has a name that is not allowed',
      }
    case 'false schema':
      return { pointer, why: 'may not be there' }
    case 'uniqueItems':
      return { pointer, why: 'has the same element twice' }
    case 'minLength':
    case 'maxLength':
      return { pointer, why: `${wanted(error)}, and has ${[...String(data)].length}` }
    case 'minItems':
    case 'maxItems':
    case 'items':
    case 'additionalItems':
    case 'unevaluatedItems':
      return { pointer, why: `${wanted(error)}, and has ${(data as unknown[]).length}` }
    case 'minProperties':
    case 'maxProperties':
      return {
        pointer,
        why: `${wanted(error)}, and has ${Object.keys(data as object).length}`,
      }
    default:
      return { pointer, why: wanted(error), there: data }
  }
}

/** What a keyword asks for. */
function wanted({ keyword, params, message = '' }: ErrorObject): string {
  const { limit } = params as { limit?: number }
  const count = (what: string) => `${limit} ${what}${limit === 1 ? '' : 's'}`
  switch (keyword) {
    case 'type':
      return `wants ${[params['type'] as string | string[]].flat().map(typeName).join(' or ')}`
    case 'enum':
      return `wants ${listed(params['allowedValues'] as readonly unknown[])}`
    case 'const':
      return `wants ${show(params['allowedValue'])}`
    case 'pattern':
      return `wants a text that fits ${printable(String(params['pattern']), 100)}`
    case 'format':
      return `wants a text of the format ${params['format']}`
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `wants a number ${params['comparison']} ${limit}`
    case 'multipleOf':
      return `wants a multiple of ${params['multipleOf']}`
    case 'minLength':
      return `wants at least ${count('character')}`
    case 'maxLength':
      return `wants at most ${count('character')}`
    case 'minItems':
      return `wants at least ${count('element')}`
    case 'maxItems':
    case 'items':
    case 'additionalItems':
    case 'unevaluatedItems':
      return limit === undefined
        ? 'wants fewer elements'
        : `wants at most ${count('element')}`
    case 'minProperties':
      return `wants at least ${count('member')}`
    case 'maxProperties':
      return `wants at most ${count('member')}`
    case 'contains':
      return 'wants an element of another kind in it'
    case 'not':
      return 'wants anything else'
    default:
      return printable(message, 200)
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

function typeName(type: string): string {
  return TYPES[type] ?? type
}

/** As many as a person reads. */
const LISTED = 10

function listed(values: readonly unknown[]): string {
  const more = values.length > LISTED ? ` or one of ${values.length - LISTED} more` : ''
  const shown = values.slice(0, LISTED).map(show).join(', ')
  return values.length === 1 ? shown : `one of ${shown}${more}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return printable(JSON.stringify(value), 80)
  return typeof value === 'object' && value !== null ? kindOf(value) : String(value)
}

/** What a value is, without saying it. */
function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'boolean') return 'true or false'
  return typeName(typeof value)
}

/** One step of a pointer. */
function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}

/**
 * filter - a question to the JSON body of an event: what it asks, its answer, and how one would
 * write it. Pure.
 *
 * A member that is not there equals nothing and compares with nothing. Numbers compare with
 * numbers and texts with texts, by code units; anything else does not. An answer says why.
 * What is written is read in filter-grammar.ts.
 */
export type Scalar = string | number | boolean | null
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** What a filter asks. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | {
      readonly kind: 'compare'
      readonly path: readonly string[]
      readonly by: Comparison
      readonly value: Scalar
    }
  | { readonly kind: 'in'; readonly path: readonly string[]; readonly values: Scalar[] }
  | { readonly kind: 'exists'; readonly path: readonly string[] }
  | {
      readonly kind: 'starts' | 'ends'
      readonly path: readonly string[]
      readonly text: string
    }

/** The answer, and the facts that decided it. */
export interface Answer {
  readonly holds: boolean
  readonly why: string
}

/** Whether a filter holds for a body. */
export function answer(filter: Filter, body: unknown): Answer {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      // What decides is the first that does not hold, or that does.
      const decides = filter.kind === 'or'
      const answers: Answer[] = []
      for (const part of filter.of) {
        const one = answer(part, body)
        if (one.holds === decides) return one
        answers.push(one)
      }
      return { holds: !decides, why: answers.map(({ why }) => why).join(', ') }
    }
    case 'not': {
      const { holds, why } = answer(filter.of, body)
      return { holds: !holds, why }
    }
    default: {
      const found = at(body, filter.path)
      const why = `${pathText(filter.path)} is ${found === undefined ? 'not there' : shown(found)}`
      return { holds: test(filter, found), why }
    }
  }
}

function test(
  filter: Exclude<Filter, { kind: 'and' | 'or' | 'not' }>,
  found: unknown,
): boolean {
  switch (filter.kind) {
    case 'exists':
      return found !== undefined
    case 'in':
      return filter.values.some((value) => value === found)
    case 'starts':
      return typeof found === 'string' && found.startsWith(filter.text)
    case 'ends':
      return typeof found === 'string' && found.endsWith(filter.text)
    case 'compare':
      return compare(found, filter.by, filter.value)
  }
}

function compare(found: unknown, by: Comparison, value: Scalar): boolean {
  if (by === '==') return found === value
  if (by === '!=') return found !== value
  const alike =
    (typeof found === 'number' && typeof value === 'number') ||
    (typeof found === 'string' && typeof value === 'string')
  if (!alike) return false
  const [one, other] = [found, value] as [number, number]
  if (by === '<') return one < other
  if (by === '<=') return one <= other
  return by === '>' ? one > other : one >= other
}

/** The member at a path; undefined where there is none. What a body inherits is none. */
function at(body: unknown, path: readonly string[]): unknown {
  let inner = body
  for (const name of path) {
    const has = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
    if (!has || (Array.isArray(inner) && !/^\d+$/.test(name))) return undefined
    inner = (inner as Record<string, unknown>)[name]
  }
  return inner
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value)
}

const BARE = /^[A-Za-z_][\w-]*$|^\d+$/
/** What a bare name cannot begin a path with. */
export const WORDS: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'exists',
  'starts',
  'ends',
  'with',
])

/** A path as one would write it. */
function pathText(path: readonly string[]): string {
  return path
    .map((name, n) =>
      BARE.test(name) && !(n === 0 && (WORDS.has(name) || /^\d/.test(name)))
        ? name
        : JSON.stringify(name),
    )
    .join('.')
}

/** A filter as one would write it; what it reads is the same filter. */
export function filterText(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.of.map((part) => grouped(part)).join(` ${filter.kind} `)
    case 'not':
      return `not ${grouped(filter.of)}`
    case 'compare':
      return `${pathText(filter.path)} ${filter.by} ${JSON.stringify(filter.value)}`
    case 'in':
      return `${pathText(filter.path)} in ${JSON.stringify(filter.values)}`
    case 'exists':
      return `${pathText(filter.path)} exists`
    default:
      return `${pathText(filter.path)} ${filter.kind} with ${JSON.stringify(filter.text)}`
  }
}

function grouped(filter: Filter): string {
  const text = filterText(filter)
  return filter.kind === 'and' || filter.kind === 'or' ? `(${text})` : text
}

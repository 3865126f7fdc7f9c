/**
 * filter - a question to the JSON body of an event: read from one line of text, and answered. Pure.
 *
 *   expression = and { "or" and }            and  = not { "and" not }
 *   not        = "not" not | "(" expression ")" | test
 *   test       = path ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *              | path [ "not" ] "in" "[" value { "," value } "]"
 *              | path [ "not" ] "exists" | path ( "starts" | "ends" ) "with" text
 *   path       = name { "." name }           a name is bare, a number in a list, or in quotes
 *   value      = text | number | true | false | null, as in JSON
 *
 * A member that is not there equals nothing and compares with nothing. Numbers compare with
 * numbers and texts with texts, by code units; anything else does not. An answer says why.
 */
export type Scalar = string | number | boolean | null
type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

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

/** A text that is no filter: why, and at which character of it, from 1. */
export class FilterError extends Error {
  readonly column: number

  constructor(why: string, column: number) {
    super(why)
    this.column = column
  }
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
const WORDS = new Set(['and', 'or', 'not', 'in', 'exists', 'starts', 'ends', 'with'])

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

/** Reads a filter; throws a FilterError. */
export function parseFilter(text: string): Filter {
  return new Reader(text).whole()
}

const TOKEN =
  /\s*(?:("(?:[^"\\\p{Cc}]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.-])|(\w[\w-]*)|([=!<>]=|[<>()[\],.])|$)/uy
/** Brackets within brackets. */
const DEEPEST = 50

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end'
  readonly text: string
  readonly column: number
}

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0
  #token: Token

  constructor(text: string) {
    this.#text = text
    this.#token = this.#next()
  }

  whole(): Filter {
    const filter = this.#expression()
    if (this.#token.kind !== 'end')
      throw this.#wrong(`${this.#shown()} stands where "and", "or" or the end should`)
    return filter
  }

  #expression(): Filter {
    return this.#list('or', () => this.#list('and', () => this.#not()))
  }

  #list(kind: 'and' | 'or', part: () => Filter): Filter {
    const of = [part()]
    while (this.#take('word', kind)) of.push(part())
    return of.length === 1 ? of[0]! : { kind, of }
  }

  #not(): Filter {
    if (++this.#depth > DEEPEST) throw this.#wrong('is nested too deeply')
    try {
      if (this.#take('word', 'not')) return { kind: 'not', of: this.#not() }
      if (!this.#take('sign', '(')) return this.#test()
      const inner = this.#expression()
      if (!this.#take('sign', ')'))
        throw this.#wrong(`${this.#shown()} stands where ")" should`)
      return inner
    } finally {
      this.#depth--
    }
  }

  #test(): Filter {
    const path = this.#path()
    if (this.#take('word', 'not')) {
      if (this.#take('word', 'exists')) return { kind: 'not', of: { kind: 'exists', path } }
      if (this.#take('word', 'in')) return { kind: 'not', of: this.#in(path) }
      throw this.#wrong(`${this.#shown()} stands where "in" or "exists" should`)
    }
    if (this.#take('word', 'exists')) return { kind: 'exists', path }
    if (this.#take('word', 'in')) return this.#in(path)
    for (const kind of ['starts', 'ends'] as const)
      if (this.#take('word', kind)) {
        if (!this.#take('word', 'with'))
          throw this.#wrong(`${this.#shown()} stands where "with" should`)
        const text = this.#value()
        if (typeof text === 'string') return { kind, path, text }
        throw this.#wrong(`${kind} with: is not a text: ${JSON.stringify(text)}`)
      }
    for (const by of ['==', '!=', '<=', '>=', '<', '>'] as const)
      if (this.#take('sign', by)) return { kind: 'compare', path, by, value: this.#value() }
    throw this.#wrong(
      `${this.#shown()} stands where ==, !=, <, <=, >, >=, in, exists, starts with or ends with should`,
    )
  }

  #in(path: readonly string[]): Filter {
    if (!this.#take('sign', '['))
      throw this.#wrong(`${this.#shown()} stands where a list should: ["a", "b"]`)
    const values = [this.#value()]
    while (this.#take('sign', ',')) values.push(this.#value())
    if (!this.#take('sign', ']'))
      throw this.#wrong(`${this.#shown()} stands where "]" should`)
    return { kind: 'in', path, values }
  }

  #path(): string[] {
    const { kind, text } = this.#token
    if ((kind !== 'word' || WORDS.has(text) || /^\d/.test(text)) && kind !== 'text')
      throw this.#wrong(`${this.#shown()} stands where a member of the body should`)
    const path = [this.#name()]
    while (this.#token.text === '.' && this.#token.kind === 'sign') {
      this.#token = this.#segment()
      if (this.#token.kind !== 'word' && this.#token.kind !== 'text')
        throw this.#wrong(`${this.#shown()} stands where a member should`)
      path.push(this.#name())
    }
    return path
  }

  #name(): string {
    const { kind, text } = this.#token
    const name = kind === 'text' ? this.#decoded() : text
    this.#token = this.#next()
    return name
  }

  #value(): Scalar {
    const { kind, text } = this.#token
    let value: Scalar
    if (kind === 'text') value = this.#decoded()
    else if (kind === 'number') value = Number(text)
    else if (kind === 'word' && ['true', 'false', 'null'].includes(text))
      value = JSON.parse(text) as Scalar
    else
      throw this.#wrong(
        `${this.#shown()} stands where a value should: a text in quotes, a number, true, false or null`,
      )
    if (value === Infinity || value === -Infinity)
      throw this.#wrong(`${text} is more than a number can be`)
    this.#token = this.#next()
    return value
  }

  #decoded(): string {
    try {
      return JSON.parse(this.#token.text) as string
    } catch {
      throw this.#wrong(`${this.#shown()} is no text as JSON writes it`)
    }
  }

  #take(kind: Token['kind'], text: string): boolean {
    if (this.#token.kind !== kind || this.#token.text !== text) return false
    this.#token = this.#next()
    return true
  }

  #next(): Token {
    TOKEN.lastIndex = this.#at
    const found = TOKEN.exec(this.#text)
    const start = this.#at + (/^\s*/.exec(this.#text.slice(this.#at))![0].length ?? 0)
    if (found === null) throw this.#unreadable(start)
    this.#at = TOKEN.lastIndex
    const [, text, number, word, sign] = found
    const column = start + 1
    if (text !== undefined) return { kind: 'text', text, column }
    if (number !== undefined) return { kind: 'number', text: number, column }
    if (word !== undefined) return { kind: 'word', text: word, column }
    return sign === undefined
      ? { kind: 'end', text: '', column }
      : { kind: 'sign', text: sign, column }
  }

  /** Behind a dot a number is a place in a list, and no part of `0.5`. */
  #segment(): Token {
    const found = /^\d+/.exec(this.#text.slice(this.#at))
    if (found === null) return this.#next()
    const column = this.#at + 1
    this.#at += found[0].length
    return { kind: 'word', text: found[0], column }
  }

  #shown(): string {
    const { kind, text } = this.#token
    if (kind === 'end') return 'the end'
    return kind === 'text' ? text : JSON.stringify(text)
  }

  #unreadable(start: number): FilterError {
    const rest = this.#text.slice(start)
    if (rest.startsWith('=')) return new FilterError('"=" is written ==', start + 1)
    if (rest.startsWith("'"))
      return new FilterError('a text stands in double quotes: "text"', start + 1)
    if (rest.startsWith('"'))
      return new FilterError('a quote is missing at the end', start + 1)
    if (rest.startsWith('&')) return new FilterError('"&&" is written and', start + 1)
    if (rest.startsWith('|')) return new FilterError('"||" is written or', start + 1)
    if (rest.startsWith('!')) return new FilterError('"!" is written not', start + 1)
    return new FilterError(`${JSON.stringify([...rest][0])} means nothing here`, start + 1)
  }

  #wrong(why: string): FilterError {
    return new FilterError(why, this.#token.column)
  }
}

/**
 * filter-grammar - reads a filter from one line of text. Pure.
 *
 *   expression = and { "or" and }            and  = not { "and" not }
 *   not        = "not" not | "(" expression ")" | test
 *   test       = path ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *              | path [ "not" ] "in" "[" value { "," value } "]"
 *              | path [ "not" ] "exists" | path ( "starts" | "ends" ) "with" text
 *   path       = name { "." name }           a name is bare, a number in a list, or in quotes
 *   value      = text | number | true | false | null, as in JSON
 */
import { WORDS } from './filter.ts'
import type { Filter, Scalar } from './filter.ts'
import { Tokens } from './filter-tokens.ts'

/** Brackets within brackets. */
const DEEPEST = 50

/** Reads a filter; throws a FilterError. */
export function parseFilter(text: string): Filter {
  const tokens = new Tokens(text)
  const filter = readExpression(tokens, 0)
  if (tokens.next.kind !== 'end') throw tokens.misplaced('"and", "or" or the end')
  return filter
}

function readExpression(tokens: Tokens, depth: number): Filter {
  const not = () => readNot(tokens, depth + 1)
  return readList('or', tokens, () => readList('and', tokens, not))
}

function readList(kind: 'and' | 'or', tokens: Tokens, part: () => Filter): Filter {
  const of = [part()]
  while (tokens.take('word', kind)) of.push(part())
  return of.length === 1 ? of[0]! : { kind, of }
}

function readNot(tokens: Tokens, depth: number): Filter {
  if (depth > DEEPEST) throw tokens.wrong('is nested too deeply')
  if (tokens.take('word', 'not')) return { kind: 'not', of: readNot(tokens, depth + 1) }
  if (!tokens.take('sign', '(')) return readTest(tokens)
  const inner = readExpression(tokens, depth)
  tokens.expect('sign', ')')
  return inner
}

function readTest(tokens: Tokens): Filter {
  const path = readPath(tokens)
  if (tokens.take('word', 'not')) {
    if (tokens.take('word', 'exists')) return { kind: 'not', of: { kind: 'exists', path } }
    if (tokens.take('word', 'in')) return { kind: 'not', of: readIn(tokens, path) }
    throw tokens.misplaced('"in" or "exists"')
  }
  if (tokens.take('word', 'exists')) return { kind: 'exists', path }
  if (tokens.take('word', 'in')) return readIn(tokens, path)
  for (const kind of ['starts', 'ends'] as const)
    if (tokens.take('word', kind)) {
      tokens.expect('word', 'with')
      const text = readValue(tokens)
      if (typeof text === 'string') return { kind, path, text }
      throw tokens.wrong(`${kind} with: is not a text: ${JSON.stringify(text)}`)
    }
  for (const by of ['==', '!=', '<=', '>=', '<', '>'] as const)
    if (tokens.take('sign', by))
      return { kind: 'compare', path, by, value: readValue(tokens) }
  throw tokens.misplaced('==, !=, <, <=, >, >=, in, exists, starts with or ends with')
}

function readIn(tokens: Tokens, path: readonly string[]): Filter {
  if (!tokens.take('sign', '[')) throw tokens.misplaced('a list', '["a", "b"]')
  const values = [readValue(tokens)]
  while (tokens.take('sign', ',')) values.push(readValue(tokens))
  tokens.expect('sign', ']')
  return { kind: 'in', path, values }
}

function readPath(tokens: Tokens): string[] {
  const { kind, text } = tokens.next
  if (kind === 'word' && (WORDS.has(text) || /^\d/.test(text)))
    throw tokens.misplaced('a member of the body')
  const path = [readName(tokens, 'a member of the body')]
  while (tokens.takeDot()) path.push(readName(tokens, 'a member'))
  return path
}

function readName(tokens: Tokens, wanted: string): string {
  const { kind, text } = tokens.next
  if (kind !== 'word' && kind !== 'text') throw tokens.misplaced(wanted)
  const name = kind === 'text' ? tokens.decoded() : text
  tokens.pass()
  return name
}

function readValue(tokens: Tokens): Scalar {
  const value = valueOf(tokens)
  tokens.pass()
  return value
}

function valueOf(tokens: Tokens): Scalar {
  const { kind, text } = tokens.next
  if (kind === 'text') return tokens.decoded()
  if (kind === 'word' && ['true', 'false', 'null'].includes(text))
    return JSON.parse(text) as Scalar
  if (kind !== 'number')
    throw tokens.misplaced('a value', 'a text in quotes, a number, true, false or null')
  const value = Number(text)
  if (!Number.isFinite(value)) throw tokens.wrong(`${text} is more than a number can be`)
  return value
}

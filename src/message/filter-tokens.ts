/**
 * filter-tokens - the text of a filter, a token at a time: the one that is next, and what to say
 * where it is wrong.
 */
/** A text that is no filter: why, and at which character of it, from 1. */
export class FilterError extends Error {
  readonly column: number

  constructor(why: string, column: number) {
    super(why)
    this.column = column
  }
}

const TOKEN =
  /\s*(?:("(?:[^"\\\p{Cc}]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.-])|(\w[\w-]*)|([=!<>]=|[<>()[\],.])|$)/uy

export interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end'
  readonly text: string
  readonly column: number
}

export class Tokens {
  readonly #text: string
  #at = 0
  #token: Token

  constructor(text: string) {
    this.#text = text
    this.#token = this.#read()
  }

  /** The next one. */
  get next(): Token {
    return this.#token
  }

  /** Goes on to the one behind it. */
  pass(): void {
    this.#token = this.#read()
  }

  /** Goes on where the next one is this. */
  take(kind: Token['kind'], text: string): boolean {
    if (this.#token.kind !== kind || this.#token.text !== text) return false
    this.pass()
    return true
  }

  /** The same, and throws where it is another. */
  expect(kind: Token['kind'], text: string): void {
    if (!this.take(kind, text)) throw this.misplaced(`"${text}"`)
  }

  /** Goes on behind a dot: there a number is a place in a list, and no part of `0.5`. */
  takeDot(): boolean {
    if (this.#token.kind !== 'sign' || this.#token.text !== '.') return false
    const found = /^\d+/.exec(this.#text.slice(this.#at))
    if (found === null) this.pass()
    else {
      this.#token = { kind: 'word', text: found[0], column: this.#at + 1 }
      this.#at += found[0].length
    }
    return true
  }

  /** What the next one says, a text in quotes. */
  decoded(): string {
    try {
      return JSON.parse(this.#token.text) as string
    } catch {
      throw this.wrong(`${this.#shown()} is no text as JSON writes it`)
    }
  }

  /** Something else should stand here, which is written like this. */
  misplaced(wanted: string, like?: string): FilterError {
    const hint = like === undefined ? '' : `: ${like}`
    return this.wrong(`${this.#shown()} stands where ${wanted} should${hint}`)
  }

  /** What is wrong with the next one. */
  wrong(why: string): FilterError {
    return new FilterError(why, this.#token.column)
  }

  #shown(): string {
    const { kind, text } = this.#token
    if (kind === 'end') return 'the end'
    return kind === 'text' ? text : JSON.stringify(text)
  }

  #read(): Token {
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
}

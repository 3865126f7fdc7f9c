/**
 * locate - the line on which an option stands in a TOML text.
 *
 * The parser gives values without places, so this walks over the text once more and keeps the
 * line of each key: in headers, dotted keys, inline tables and arrays. It expects a text that
 * the parser has accepted; on any other it ends early, and lines are missing. What it cannot
 * find stands on the line of the nearest table around it, in the end on line 1.
 */
import { parse } from 'smol-toml'

import type { Path } from './problem.ts'

const BLANK = /(?:\s+|#[^\n]*)*/y
const SPACE = /[ \t]*/y
const KEY = /[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y
const STRING =
  /"""(?:\\[^]|[^\\])*?"""{1,3}|'''[^]*?'''{1,3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y
const SCALAR = /[^,\]}\n#]+/y

/** Finds the line of an option, from 1. */
export type Locator = (path: Path) => number

/** A locator for one text. */
export function locator(text: string): Locator {
  const lines = new Map<string, number>()
  new Walk(text, (path, line) => {
    const key = JSON.stringify(path)
    if (!lines.has(key)) lines.set(key, line)
  }).document()
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(JSON.stringify(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return 1
  }
}

type Mark = (path: Path, line: number) => void

/** One pass over one text. */
class Walk {
  readonly #text: string
  readonly #mark: Mark
  #at = 0
  #counted = 0
  #line = 1

  constructor(text: string, mark: Mark) {
    // A byte order mark would be taken for a key.
    this.#text = text.replace(/^\uFEFF/, ' ')
    this.#mark = mark
  }

  document(): void {
    const arrays = new Map<string, number>()
    let table: Path = []
    while ((this.#skip(), this.#at < this.#text.length)) {
      const start = this.#at
      const list = this.#text.startsWith('[[', start)
      if (this.#text[start] !== '[') this.#pair(table)
      else {
        this.#at += list ? 2 : 1
        table = this.#key([])
        if (list) {
          const count = arrays.get(JSON.stringify(table)) ?? 0
          arrays.set(JSON.stringify(table), count + 1)
          table = [...table, count]
          this.#note(table)
        }
        this.#at += list ? 2 : 1
      }
      // Only a text that is no TOML comes to a standstill.
      if (this.#at === start) return
    }
  }

  #pair(table: Path): void {
    const path = this.#key(table)
    if (this.#text[this.#at] === '=') this.#at++
    this.#take(SPACE)
    this.#value(path)
  }

  #key(table: Path): Path {
    let path = table
    do {
      this.#take(SPACE)
      const at = this.#at
      const part = this.#take(KEY)
      if (part === '') return path
      path = [...path, unquote(part)]
      this.#note(path, at)
      this.#take(SPACE)
    } while (this.#text[this.#at] === '.' && ++this.#at)
    return path
  }

  #value(path: Path): void {
    const first = this.#text[this.#at]
    if (first === '{') this.#inside('}', () => this.#pair(path))
    else if (first === '[') {
      let index = 0
      this.#inside(']', () => {
        const item = [...path, index++]
        this.#note(item)
        this.#value(item)
      })
    } else if (this.#take(STRING) === '') this.#take(SCALAR)
  }

  #inside(end: string, item: () => void): void {
    this.#at++
    while ((this.#skip(), this.#at < this.#text.length)) {
      const start = this.#at
      if (this.#text[start] === end) {
        this.#at++
        return
      }
      if (this.#text[start] === ',') this.#at++
      else item()
      if (this.#at === start) return
    }
  }

  #note(path: Path, at = this.#at): void {
    for (; this.#counted < at; this.#counted++)
      if (this.#text[this.#counted] === '\n') this.#line++
    this.#mark(path, this.#line)
  }

  #skip(): void {
    this.#take(BLANK)
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }
}

function unquote(part: string): string {
  if (!/^["']/.test(part)) return part
  if (!part.includes('\\') || part.startsWith("'")) return part.slice(1, -1)
  return Object.keys(parse(`${part} = 0`))[0] as string
}

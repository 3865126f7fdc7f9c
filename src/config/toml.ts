/**
 * toml - bytes of a configuration file into a table, or the place where they are no TOML.
 */
import { isUtf8 } from 'node:buffer'

import { parse, TomlError } from 'smol-toml'

import { printable } from '../base/text.ts'
import type { Problem } from './problem.ts'

export type Table = { readonly [key: string]: unknown }

export type Parsed =
  | { readonly ok: true; readonly table: Table; readonly text: string }
  | { readonly ok: false; readonly problem: Problem }

/** The table in a file. A problem's message is `FILE:LINE:COLUMN: reason`. */
export function parseToml(file: string, bytes: Buffer): Parsed {
  if (!isUtf8(bytes))
    return { ok: false, problem: { message: `${file}: is not UTF-8 text`, file, line: 1 } }
  const text = bytes.toString()
  try {
    return { ok: true, table: parse(text), text }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return { ok: false, problem: syntaxProblem(file, text, error) }
  }
}

function syntaxProblem(file: string, text: string, error: TomlError): Problem {
  const lines = text.split('\n')
  const line = lines[error.line - 1] ?? ''
  const problem = (reason: string): Problem => ({
    message: printable(`${file}:${error.line}:${error.column}: ${reason}`, 1000),
    file,
    line: error.line,
  })
  const header = /^\s*(\[[^\]#]+\])/.exec(line)?.[1]
  const before = lines.findIndex((other) => other.trim().startsWith(header ?? '\n'))
  if (before !== -1 && before < error.line - 1)
    return problem(`${header} is defined twice, first at ${file}:${before + 1}`)
  const reason = error.message.split('\n', 1)[0]!.replace(/^Invalid TOML document: /, '')
  const hint = hintFor(line, error.column, reason)
  return hint === undefined ? problem(reason) : { ...problem(reason), hint }
}

/** What people write who do not write TOML every day. */
function hintFor(line: string, column: number, reason: string): string | undefined {
  const bare = /=\s*(\d[\d.]*\s*(?:ms|[smhdw]|[kKMG](?:i?B)?))\s*(?:#|$)/.exec(line)
  if (bare !== null) return `spans and sizes stand in quotes: "${bare[1]}"`
  const atEnd = column > line.trimEnd().length && /string/.test(reason)
  return atEnd ? 'a quote is missing at the end of the line' : undefined
}

/** True for a table: neither a list nor a time, which are objects too. */
export function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date)
  )
}

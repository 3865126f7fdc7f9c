/**
 * problem - what is wrong with a configuration: where, which option, why, what is allowed.
 */
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'

export interface Problem {
  /** `FILE:LINE: option: why`, one printable line. */
  readonly message: string
  /** What is allowed, or what was probably meant. */
  readonly hint?: string
  readonly file: string
  readonly line: number
}

/** A place in a configuration; the option is its path, from the top of the file. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly option: Path
}

export type Path = readonly (string | number)[]

/** An option's name as one would write it: `destinations.crm.headers."X.Y"`. */
export function formatPath(path: Path): string {
  return path
    .map((key) => (/^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(key)))
    .join('.')
}

/** `FILE:LINE` of a place. */
export function formatPlace(place: Pick<Place, 'file' | 'line'>): string {
  return `${place.file}:${place.line}`
}

/** A problem at a place. */
export function problemAt(place: Place, why: string, hint?: string): Problem {
  const message = `${formatPlace(place)}: ${formatPath(place.option)}: ${why}`
  return {
    message: printable(message, 1000),
    ...(hint === undefined || hint === '' ? {} : { hint: printable(hint, 1000) }),
    file: place.file,
    line: place.line,
  }
}

/** Problems as a reader of these files meets them: file by file, from the top. */
export function inOrder(
  problems: readonly Problem[],
  files: readonly string[],
): readonly Problem[] {
  return problems.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line,
  )
}

/** A configuration that cannot be used, with everything that was found wrong in it. */
export class ConfigError extends MsgqError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly [Problem, ...Problem[]]) {
    const [first, ...others] = problems
    const more = others.length === 0 ? '' : ` (and ${others.length} more: msgq check)`
    super('config', `${first.message}${more}`, first.hint)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

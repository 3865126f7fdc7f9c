/**
 * finding - something about a spool that an operator should know.
 */
export interface Finding {
  /** An error does not heal by itself, or stops messages; a warning is for judgement. */
  readonly level: 'error' | 'warning'
  /** One line: where, and what. */
  readonly message: string
  /** What to do, or what happens by itself. */
  readonly hint?: string
}

/** A finding that does not heal by itself. */
export function errorAt(where: string, what: string, hint?: string): Finding {
  return finding('error', where, what, hint)
}

/** A finding for judgement. */
export function warningAt(where: string, what: string, hint?: string): Finding {
  return finding('warning', where, what, hint)
}

function finding(
  level: Finding['level'],
  where: string,
  what: string,
  hint: string | undefined,
): Finding {
  return { level, message: `${where}: ${what}`, ...(hint === undefined ? {} : { hint }) }
}

/**
 * errors - what msgq says when it cannot do what was asked.
 *
 * One class, a closed set of codes, each with its sysexits(3) exit code. A message reads
 * `what: why`, in lower case, without a full stop; a hint says what to do next.
 * A delivery that fails is not an error but an Outcome (message/outcome.ts).
 */

/** Codes of MsgqError and their exit codes, from sysexits.h. */
export const EXIT_CODES = {
  usage: 64,
  data: 65,
  'no-input': 66,
  unavailable: 69,
  software: 70,
  'cannot-create': 73,
  temporary: 75,
  'no-permission': 77,
  config: 78,
} as const

export type ErrorCode = keyof typeof EXIT_CODES

/** A disk that let us neither finish nor take back: whether it was done is not known. */
export class UnsureError extends Error {
  override readonly name = 'UnsureError'
}

/** An error that a person caused or can mend; anything else thrown is a bug. */
export class MsgqError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'MsgqError'
    this.code = code
    this.hint = hint
  }

  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}

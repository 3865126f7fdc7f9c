/**
 * exit - what the end of a command means: the table of Postfix's pipe(8), and a milder rest.
 *
 * The codes of sysexits(3) say "later" (71 and 75) or "never" (the others of 64 to 78). Output that begins
 * with an enhanced status code (RFC 3463) goes before the code. What neither says, 1 above all,
 * is deferred: most scripts end so whatever went wrong, and a bounce would be the end of every
 * message of a bad night. Pure.
 */
import { printable } from '../base/text.ts'
import type { Fault, Outcome } from '../message/outcome.ts'

const QUOTED = 120
/** The most that is kept of what it printed, in characters. */
export const KEPT = 1024

/** How a command that was started ended by itself. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  /** The first bytes of both outputs, as they came. */
  readonly output: Uint8Array
}

/** What sysexits(3) says, and whose fault that is; the other faults are the receiver's. */
const SYSEXITS: Readonly<Record<number, readonly [words: string, fault?: Fault]>> = {
  64: ['wrong usage', 'configuration'],
  65: ['wrong data', 'message'],
  66: ['no input', 'message'],
  67: ['no such user', 'message'],
  68: ['no such host', 'message'],
  69: ['service unavailable'],
  70: ['internal error'],
  71: ['operating system error'],
  72: ['system file missing', 'configuration'],
  73: ['output cannot be made'],
  74: ['input/output error'],
  75: ['temporary failure'],
  76: ['protocol error'],
  77: ['permission denied', 'configuration'],
  78: ['configuration error', 'configuration'],
}

/** Those of them that pipe(8) tries again. */
const LATER = new Set([71, 75])

/** What a shell says of a command that it cannot run. */
const SHELL: Readonly<Record<number, string>> = {
  126: 'cannot be run',
  127: 'command not found',
}

/** The outcome of a command that ended. `hide` takes secrets out of a text. */
export function judgeExit(
  { code, signal, output }: Exit,
  hide: (text: string) => string = (text) => text,
): Outcome {
  const text = hide(
    Buffer.from(output)
      .toString('utf8')
      .replace(/\ufffd$/, ''),
  )
  const answer = printable(text, KEPT)
  const said = answer === '' ? {} : { answer }
  const quote = printable(answer, QUOTED)
  const reasonOf = (line: string) => (quote === '' ? line : `${line}: "${quote}"`)
  if (code === null) {
    const reason = reasonOf(`killed by ${signal ?? 'a signal'}`)
    return { kind: 'deferred', reason, fault: 'receiver', mayHaveArrived: true, ...said }
  }
  const common = { status: code, ...said }
  if (code === 0) return { kind: 'delivered', reason: 'exit 0', ...common }
  const shell = SHELL[code]
  const [words, fault = 'receiver'] =
    shell === undefined ? (SYSEXITS[code] ?? []) : ([shell, 'configuration'] as const)
  const reason = reasonOf(words === undefined ? `exit ${code}` : `exit ${code} (${words})`)
  const isNever = neverByWord(text) ?? (code in SYSEXITS && !LATER.has(code))
  return { kind: isNever ? 'bounced' : 'deferred', reason, fault, ...common }
}

/** By an enhanced status code at the beginning: 5.X.X is never, 4.X.X later. */
function neverByWord(text: string): boolean | undefined {
  const first = /^\s*([45])\.\d{1,3}\.\d{1,3}(?=\s|$)/.exec(text)?.[1]
  return first === undefined ? undefined : first === '5'
}

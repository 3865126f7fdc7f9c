/**
 * smtp-answer - what came of a mail: 2xx is delivered, 4xx later, 5xx never.
 *
 * 5xx bounces only where it was said of this mail: of its sender, its receivers or its data. Said of us
 * (greeting, "bad sequence") it is deferred; a login that is refused suspends the lane, because an
 * operator mends that, and an expired password must not bounce ten thousand mails. Of several receivers each has a word of his own:
 * who has the mail is noted (`taken`) and never gets it again; as long as one of the others may
 * take it later it is deferred, and it bounces once none of them will. Pure.
 */
import { domainToASCII } from 'node:url'

import { errnoOf, plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { Fault, Outcome } from '../message/outcome.ts'

/** What nodemailer says of a mail that was taken. */
export interface Taken {
  readonly response: string
  readonly accepted?: readonly unknown[] | undefined
  readonly rejectedErrors?: readonly unknown[] | undefined
}

type Hide = (text: string) => string

/** The outcome of a mail that the server took, for all of these receivers or for some. */
export function takenAs(
  { response, accepted = [], rejectedErrors = [] }: Taken,
  receivers: readonly string[],
  hide: Hide,
): Outcome {
  const status = Number(/^\d{3}/.exec(response)?.[0] ?? 250)
  const answer = printable(hide(response), 200)
  if (rejectedErrors.length === 0)
    return { kind: 'delivered', reason: printable(answer), status, answer }
  const have = new Set(accepted.map((each) => plainAddress(String(each))))
  const taken = receivers.filter((each) => have.has(plainAddress(each)))
  const later = rejectedErrors.find((each) => isLater(factsOf(each).status))
  const said = factsOf(later ?? rejectedErrors[0])
  const refused = rejectedErrors.map((error) => refusalOf(error, hide)).join('; ')
  const failure = {
    reason: printable(
      `not taken for ${refused}; taken for ${taken.join(', ')} (${answer})`,
    ),
    ...(said.status === undefined ? {} : { status: said.status }),
    ...(said.response === undefined ? {} : { answer: printable(hide(said.response), 250) }),
    taken,
  }
  return later === undefined
    ? { kind: 'bounced', fault: 'message', ...failure }
    : { kind: 'deferred', fault: 'receiver', ...failure }
}

/** An address as a server knows it: its domain in lower case, and in ASCII. */
function plainAddress(address: string): string {
  const at = address.lastIndexOf('@') + 1
  const domain = address.slice(at)
  return address.slice(0, at) + (domainToASCII(domain) || domain).toLowerCase()
}

/** The outcome of a mail that was not taken; `isTold` says that the server had heard of it. */
export function refusedAs(
  error: unknown,
  server: string,
  hide: Hide,
  isTold: boolean,
): Outcome {
  const { command, rejectedErrors } = factsOf(error)
  const all = rejectedErrors ?? []
  // One receiver who may take it later is reason enough to try again.
  const said = all.find((each) => isLater(factsOf(each).status)) ?? all[0] ?? error
  const { status, response } = factsOf(said)
  if (status === undefined) {
    const outcome = deferred(unansweredText(error, server, hide), 'network')
    // Of a connection that was lost nobody says how far it came.
    return isTold ? { ...outcome, mayHaveArrived: true } : outcome
  }
  const line = printable(hide(response ?? String(status)), 250)
  const common = { status, answer: line }
  const isOfMail = /^(?:MAIL FROM|RCPT TO|DATA)/.test(command ?? '')
  if (!isOfMail || status === 530) {
    const reason = printable(`${stepText(command)}: ${line}`)
    // No other mail would fare better, and each failed login is one towards being shut out.
    if (status >= 500 && (status === 530 || command?.startsWith('AUTH') === true))
      return { ...deferred(reason, 'configuration'), ...common, ...SUSPENDS }
    return { ...deferred(reason, 'receiver'), ...common }
  }
  const refused = all.map((each) => refusalOf(each, hide)).join('; ')
  const reason = printable(refused === '' ? line : `not taken for ${refused}`)
  return isLater(status) || status < 500 || status === 503
    ? { ...deferred(reason, 'receiver'), ...common }
    : { kind: 'bounced', reason, fault: 'message', ...common }
}

function isLater(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500
}

/** `ann@example.com (550 5.1.1 no such user)`. */
function refusalOf(error: unknown, hide: Hide): string {
  const { recipient, response } = factsOf(error)
  const said = hide(response ?? plainError(error))
  return `${printable(recipient ?? '?', 100)} (${printable(said, 150)})`
}

function stepText(command: string | undefined): string {
  if (command?.startsWith('AUTH')) return 'login refused'
  return command === undefined || command === 'CONN' ? 'refused' : `${command} refused`
}

const WORDS: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'no answer in time',
  ENOTFOUND: 'no such host',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EDNS: 'host name cannot be looked up',
  EHOSTUNREACH: 'host is unreachable',
  ENETUNREACH: 'network is unreachable',
}

/** Until somebody mends it, or its configuration is another. */
const SUSPENDS = { uncharged: true, suspends: true } as const

/** nodemailer's own code says at which step; the system's is in its text. */
function codeOf(error: unknown): string {
  return /\bE[A-Z_]{3,}\b/.exec(plainError(error))?.[0] ?? errnoOf(error) ?? ''
}

function unansweredText(error: unknown, server: string, hide: Hide): string {
  const said = printable(hide(plainError(error)), 200)
  const words = WORDS[codeOf(error)]
  return words === undefined ? `${server}: ${said}` : `${words}: ${server}`
}

function deferred(reason: string, fault: Fault) {
  return { kind: 'deferred', reason: printable(reason), fault } as const
}

interface Facts {
  readonly status?: number
  readonly response?: string
  readonly command?: string
  readonly recipient?: string
  readonly rejectedErrors?: readonly unknown[]
}

/** What nodemailer says in its errors, each only where it is what it should be. */
function factsOf(error: unknown): Facts {
  if (typeof error !== 'object' || error === null) return {}
  const { responseCode, response, command, recipient, rejectedErrors } = error as Record<
    string,
    unknown
  >
  return {
    ...(typeof responseCode === 'number' && responseCode >= 200 && responseCode < 600
      ? { status: responseCode }
      : {}),
    ...(typeof response === 'string' ? { response } : {}),
    ...(typeof command === 'string' ? { command } : {}),
    ...(typeof recipient === 'string' ? { recipient } : {}),
    ...(Array.isArray(rejectedErrors) ? { rejectedErrors } : {}),
  }
}

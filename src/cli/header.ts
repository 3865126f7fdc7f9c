/**
 * header - `-H 'Name: value'` as curl takes it.
 *
 * A value is never repeated in an error: it may be a secret.
 */
import { MsgqError } from '../base/errors.ts'
import { checkDraft } from '../message/draft.ts'
import { shownHeader } from '../message/mask.ts'

export interface Headers {
  readonly headers?: Readonly<Record<string, string>>
  /** `content-type` has a place of its own in a message. */
  readonly contentType?: string
}

/** The headers of a message; throws (usage) for one that is none, or that stands twice. */
export function readHeaders(given: readonly string[]): Headers {
  const headers = new Map<string, string>()
  const seen = new Set<string>()
  let contentType: string | undefined
  for (const text of given) {
    const [name, value] = split(text)
    if (seen.has(name.toLowerCase()))
      throw new MsgqError('usage', `-H ${name}: stands twice`)
    seen.add(name.toLowerCase())
    if (name.toLowerCase() === 'content-type') contentType = value
    else headers.set(name, value)
  }
  return {
    // Object.fromEntries makes an own member of a header called __proto__, too.
    ...(headers.size === 0 ? {} : { headers: Object.fromEntries(headers) }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}

/** The names of headers whose values should not lie in a spool. */
export function secretNames({ headers = {} }: Headers): string[] {
  return Object.keys(headers).filter((name) => shownHeader(name, '') !== '')
}

function split(text: string): [name: string, value: string] {
  const colon = text.indexOf(':')
  const name = text.slice(0, colon)
  const value = text.slice(colon + 1).trim()
  if (colon <= 0)
    throw new MsgqError('usage', '-H: names no header', `write -H 'Name: value'`)
  checkName(name)
  if (value === '')
    throw new MsgqError('usage', `-H ${name}: has no value`, `write -H 'Name: value'`)
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    throw new MsgqError('usage', `-H ${name}: has a character that no header may have`)
  return [name, value]
}

function checkName(name: string): void {
  try {
    checkDraft({ to: 'x', headers: { [name]: '' } })
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    throw new MsgqError('usage', error.message.replace(/^headers: /, '-H: '), error.hint)
  }
}

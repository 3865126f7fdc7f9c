/**
 * compose-raw - a message whose body is the body of the request; the query says the rest.
 *
 * The query's parts are the members of the JSON form, held to the same checks.
 */
import { MsgqError } from '../base/errors.ts'
import { composeLine } from './batch-line.ts'
import type { Composed } from './batch-line.ts'
import { draftFor } from './compose.ts'
import type { Terms } from './terms.ts'

/** What the query may say of a message. */
export const RAW_MEMBERS = [
  'to',
  'event',
  'method',
  'contentType',
  'subject',
  'level',
  'key',
  'order',
  'delay',
  'at',
  'expires',
  'hold',
] as const

/** What curl says of a body of which nobody said anything. */
const NO_TYPE = 'application/x-www-form-urlencoded'

/** The message; throws (data or usage) with what is wrong with it. */
export function composeRaw(
  body: Buffer,
  said: Readonly<Record<string, string>>,
  contentType: string | undefined,
  context: { terms: Terms; now: number },
): Composed {
  const { hold, ...texts } = said
  const typed = contentType?.toLowerCase() === NO_TYPE ? undefined : contentType
  const members = {
    ...(typed === undefined ? {} : { contentType: typed }),
    ...texts,
    ...(hold === undefined ? {} : { hold: flagOf(hold) }),
    body: '',
  }
  const line = Buffer.from(JSON.stringify(members))
  const { draft } = composeLine(line, { to: undefined, ...context })
  const { to, contentType: _, ...wish } = draft
  const type = texts['contentType'] ?? typed
  const asked = type === undefined ? wish : { ...wish, contentType: type }
  return { draft: draftFor(to, asked, body, context.terms), body }
}

function flagOf(text: string): boolean {
  if (text === 'true' || text === '1' || text === '') return true
  if (text === 'false' || text === '0') return false
  throw new MsgqError('data', 'hold: is neither true nor false')
}

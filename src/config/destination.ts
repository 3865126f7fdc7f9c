/**
 * destination - the options of one [destinations.NAME], checked by the rules of a draft.
 *
 * What a sender may not put into a message a configuration may not put into it either, so URL,
 * method, headers and content type pass through `checkDraft`. Values that may be secrets are
 * never repeated in a problem.
 */
import * as v from 'valibot'

import { MsgqError } from '../base/errors.ts'
import { checkDraft } from '../message/draft.ts'
import type { Draft } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import { shownHeader } from '../message/mask.ts'
import type { Auth, Secret } from './config.ts'
import { httpTable, laneTable, retryTable, table } from './options.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { because, readSecretRef, SECRET_HINT, show, text, value, word } from './values.ts'
import type { Reading } from './values.ts'

const URL_HINT = 'write "https://..." or { file = "name" }'
const AUTH_HINT =
  'write { bearer = SECRET } or { basic = { user = "name", password = SECRET } }'

interface Defect {
  readonly why: string
  readonly hint?: string
}

/** What `checkDraft` says of a draft; undefined when nothing. */
function draftDefect(draft: Draft): Defect | undefined {
  try {
    checkDraft(draft)
    return undefined
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    // It names the member of the draft first; here the option is named already.
    const why = error.message.replace(/^\w+: /, '')
    return error.hint === undefined ? { why } : { why, hint: error.hint }
  }
}

function readUrl(given: unknown): Reading<string | Secret> {
  if (typeof given !== 'string') {
    const reading = readSecretRef(given)
    return 'why' in reading ? { ...reading, hint: URL_HINT } : reading
  }
  if (!looksLikeUrl(given))
    return { why: 'is not a URL', hint: 'a URL begins with https:// or http://' }
  const defect = urlDefect(given)
  if (defect === undefined) return { value: given }
  return /password/.test(defect.why) ? { ...defect, hint: `auth: ${AUTH_HINT}` } : defect
}

/** Why a message cannot go to a URL; undefined when it can. */
export function urlDefect(url: string): Defect | undefined {
  const defect = draftDefect({ to: url })
  // Its path or query may be a secret.
  return defect && { ...defect, why: defect.why.replace(/: "[^]*$/, '') }
}

/** True for a header that is masked wherever it is shown. */
export function isSecretHeader(name: string): boolean {
  return shownHeader(name, '') !== ''
}

function readHeader(name: string, given: unknown): Reading<string | Secret> {
  const badName = draftDefect({ to: 'x', headers: { [name]: '' } })
  if (badName !== undefined) return badName
  if (/^content-type$/i.test(name))
    return { why: 'has an option of its own', hint: 'content_type = "application/json"' }
  if (typeof given !== 'string') return readSecretRef(given)
  if (draftDefect({ to: 'x', headers: { [name]: given } }) !== undefined)
    return {
      why: 'has a character that no header may have',
      hint: 'visible characters of Latin-1, spaces and tabs',
    }
  return { value: isSecretHeader(name) ? { inline: given } : given }
}

const headersTable = v.pipe(
  v.custom<Table>(isTable, because('is not a table', 'write { "x-name" = "value" }')),
  v.rawTransform<Table, Record<string, string | Secret>>(({ dataset, addIssue }) => {
    const headers: [string, string | Secret][] = []
    const seen = new Set<string>()
    for (const [name, given] of Object.entries(dataset.value)) {
      const reading = seen.has(name.toLowerCase())
        ? { why: 'stands twice', hint: 'capitals make no difference in a header' }
        : readHeader(name, given)
      seen.add(name.toLowerCase())
      if ('value' in reading) headers.push([name, reading.value])
      else
        addIssue({
          message: because(reading.why, reading.hint),
          path: [
            {
              type: 'object',
              origin: 'value',
              input: dataset.value,
              key: name,
              value: given,
            },
          ],
        })
    }
    return Object.fromEntries(headers)
  }),
)

const basicTable = table(
  {
    user: text(
      (user) =>
        /[:\p{Cc}]/u.test(user) ? 'has a colon or a control character' : undefined,
      'RFC 7617 allows no colon in the name of a user',
    ),
    password: value(readSecretRef),
  },
  { user: 'user = "name"', password: `password = SECRET: ${SECRET_HINT}` },
  'write { user = "name", password = SECRET }',
)

const authTable = v.pipe(
  table(
    { bearer: v.optional(value(readSecretRef)), basic: v.optional(basicTable) },
    {},
    AUTH_HINT,
  ),
  v.check(
    ({ bearer, basic }) => (bearer === undefined) !== (basic === undefined),
    because('must be one of bearer and basic', AUTH_HINT),
  ),
  v.transform(({ bearer, basic }): Auth =>
    basic === undefined
      ? { kind: 'bearer', token: bearer as Secret }
      : { kind: 'basic', ...basic },
  ),
)

/** `[destinations.NAME]`. */
export const destinationTable = v.pipe(
  table(
    {
      type: word(['http']),
      url: value(readUrl),
      method: v.optional(value((given) => readMember('method', given))),
      content_type: v.optional(value((given) => readMember('contentType', given))),
      headers: v.optional(headersTable),
      auth: v.optional(authTable),
      retry: v.optional(retryTable),
      http: v.optional(httpTable),
      lane: v.optional(laneTable),
    },
    { type: 'write type = "http"', url: `url = SOMETHING: ${URL_HINT}` },
    'write [destinations.NAME] with type and url',
  ),
  v.check(
    ({ auth, headers }) =>
      auth === undefined ||
      !Object.keys(headers ?? {}).some((name) => /^authorization$/i.test(name)),
    because('has both auth and a header "authorization"', 'leave one of them out'),
  ),
)

function readMember(member: 'method' | 'contentType', given: unknown): Reading<string> {
  if (typeof given !== 'string') return { why: `is not a text: ${show(given)}` }
  const defect = draftDefect({ to: 'x', [member]: given })
  if (defect !== undefined) return defect
  const header = draftDefect({ to: 'x', headers: { 'content-type': given } })
  return header === undefined ? { value: given } : { why: 'cannot stand in a header' }
}

/**
 * destination - the options of a destination of type "http", checked by the rules of a draft.
 *
 * What a sender may not put into a message a configuration may not put into it either, so URL,
 * method, headers and content type pass through `checkDraft`. Values that may be secrets are
 * never repeated in a problem.
 */
import * as v from 'valibot'

import { looksLikeUrl } from '../message/lane.ts'
import { shownHeader } from '../message/mask.ts'
import { commonEntries, draftDefect, readMember, typeEntry } from './common.ts'
import type { Defect } from './common.ts'
import type { Auth, HttpDestination } from './config.ts'
import { DESTINATION_DEFAULTS } from './defaults.ts'
import { named } from './named.ts'
import { oauth2Table } from './oauth2.ts'
import { httpTable, table } from './options.ts'
import { readSecretRef, SECRET_HINT } from './reference.ts'
import type { Secret } from './reference.ts'
import { rulesOption } from './rules.ts'
import { because, text, value } from './values.ts'
import type { Reading } from './values.ts'
import { wireDefect, wireEntries, wireOf } from './wire-table.ts'
import type { WireOptions } from './wire.ts'

const URL_HINT = 'write "https://..." or { file = "name" }'
const AUTH_HINT =
  'write { bearer = SECRET }, { basic = { user = "name", password = SECRET } } or { oauth2 = ... }'

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

const headersTable = named<string | Secret>((name, given, above) => {
  if (above.some((other) => other.toLowerCase() === name.toLowerCase()))
    return { why: 'stands twice', hint: 'capitals make no difference in a header' }
  return readHeader(name, given)
}, 'write { "x-name" = "value" }')

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
    {
      bearer: v.optional(value(readSecretRef)),
      basic: v.optional(basicTable),
      oauth2: v.optional(oauth2Table),
    },
    {},
    AUTH_HINT,
  ),
  v.check(
    (ways) => Object.values(ways).filter((way) => way !== undefined).length === 1,
    because('must be one of bearer, basic and oauth2', AUTH_HINT),
  ),
  v.transform(({ bearer, basic, oauth2 }): Auth => {
    if (oauth2 !== undefined) return oauth2
    return basic === undefined
      ? { kind: 'bearer', token: bearer as Secret }
      : { kind: 'basic', ...basic }
  }),
)

/** `[destinations.NAME]` of type "http". */
export const httpDestinationTable = v.pipe(
  table(
    {
      type: typeEntry,
      url: value(readUrl),
      method: v.optional(value((given) => readMember('method', given))),
      headers: v.optional(headersTable),
      auth: v.optional(authTable),
      on: v.optional(rulesOption),
      ...commonEntries,
      http: v.optional(httpTable),
      ...wireEntries,
    },
    { type: 'write type = "http"', url: `url = SOMETHING: ${URL_HINT}` },
  ),
  v.check(
    ({ auth, headers }) =>
      auth === undefined ||
      !Object.keys(headers ?? {}).some((name) => /^authorization$/i.test(name)),
    because('has both auth and a header "authorization"', 'leave one of them out'),
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    const clash = dataset.typed ? wireDefect(dataset.value) : undefined
    if (clash === undefined) return
    const path = clash.option.map((key) => ({
      type: 'object' as const,
      origin: 'value' as const,
      input: {},
      key,
      value: undefined,
    }))
    addIssue({ message: because(clash.why, clash.hint), path: path as [(typeof path)[0]] })
  }),
)

/** What a table says of type "http" beside what every type has. */
export function httpPartOf(
  given: v.InferOutput<typeof httpDestinationTable>,
): Pick<HttpDestination, 'type' | 'url' | 'method' | 'headers' | 'auth' | 'on'> &
  WireOptions {
  const { url, method, headers, auth, on } = given
  return {
    type: 'http',
    url,
    method: method ?? DESTINATION_DEFAULTS.method,
    headers: headers ?? {},
    ...(auth === undefined ? {} : { auth }),
    ...(on === undefined ? {} : { on }),
    ...wireOf(given),
  }
}

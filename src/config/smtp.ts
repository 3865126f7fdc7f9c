/**
 * smtp - the options of a destination of type "smtp", and what they come to.
 */
import * as v from 'valibot'

import { hasControl } from '../base/text.ts'
import { commonEntries, typeEntry } from './common.ts'
import type { SmtpDestination } from './config.ts'
import { SMTP_DEFAULTS } from './defaults.ts'
import { DAY, table } from './options.ts'
import { readSecretRef, SECRET_HINT } from './reference.ts'
import { because, number, show, span } from './values.ts'
import { text, value, word } from './values.ts'
import type { Reading } from './values.ts'

const AUTH_HINT = 'write { user = "name", password = SECRET }'
const FROM_HINT = 'write "msgq@example.com" or "Name <msgq@example.com>"'
const RECIPIENTS_HINT = 'write a list of addresses: ["ann@example.com"]'
/** An address as it stands in an envelope; a name of this machine needs no domain. */
const ADDRESS = /^[^\s<>,;:"()[\]\\@]+(?:@[^\s<>,;:"()\\@]+)?$/

function readRecipients(given: unknown): Reading<readonly string[]> {
  if (!Array.isArray(given) || given.length === 0)
    return { why: `is no list of addresses: ${show(given)}`, hint: RECIPIENTS_HINT }
  const odd = (given as readonly unknown[]).find(
    (each) => typeof each !== 'string' || hasControl(each) || !ADDRESS.test(each),
  )
  return odd === undefined
    ? { value: given as readonly string[] }
    : { why: `has what is no address: ${show(odd)}`, hint: RECIPIENTS_HINT }
}

function fromDefect(from: string): string | undefined {
  const address = /^[^<>\p{Cc}]*<([^<>]+)>$/u.exec(from)?.[1] ?? from
  return ADDRESS.test(address) ? undefined : 'is no address'
}

const hostText = text(
  (host) => (/^[\w.:-]+$/.test(host) ? undefined : 'is no host'),
  'write the name of a host: "mail.example.com"',
)

const authTable = table(
  {
    user: text((user) => (user === '' || hasControl(user) ? 'is no user' : undefined)),
    password: value(readSecretRef),
  },
  { user: 'user = "name"', password: `password = SECRET: ${SECRET_HINT}` },
  AUTH_HINT,
)

/** Of this machine: nobody listens on the way there. */
function isHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** `[destinations.NAME]` of type "smtp". */
export const smtpDestinationTable = v.pipe(
  table(
    {
      type: typeEntry,
      host: hostText,
      port: v.optional(number(1, 65_535, 'whole')),
      tls: v.optional(word(['starttls', 'implicit', 'none'])),
      auth: v.optional(authTable),
      from: text(fromDefect, FROM_HINT),
      recipients: value(readRecipients),
      timeout: v.optional(span(1, DAY)),
      ...commonEntries,
    },
    {
      host: 'host = "mail.example.com"',
      from: `from = ADDRESS: ${FROM_HINT}`,
      recipients: `recipients = LIST: ${RECIPIENTS_HINT}`,
    },
  ),
  v.check(
    ({ auth, tls, host }) => auth === undefined || tls !== 'none' || isHere(host),
    because('would send its password in the clear', 'leave out tls = "none"'),
  ),
)

/** What a table says of type "smtp" beside what every type has. */
export function smtpPartOf({
  host,
  port,
  tls = SMTP_DEFAULTS.tls,
  auth,
  from,
  recipients,
  timeout,
}: v.InferOutput<typeof smtpDestinationTable>): Pick<
  SmtpDestination,
  'type' | 'host' | 'port' | 'tls' | 'auth' | 'from' | 'recipients' | 'timeout'
> {
  return {
    type: 'smtp',
    host,
    port: port ?? { starttls: 587, implicit: 465, none: 25 }[tls],
    tls,
    ...(auth === undefined ? {} : { auth }),
    from,
    recipients,
    timeout: timeout ?? v.parse(span(1, DAY), SMTP_DEFAULTS.timeout),
  }
}

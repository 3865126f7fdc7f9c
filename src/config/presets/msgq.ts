/**
 * msgq - another msgq, which takes the message over under the same id and key.
 *
 * `url` is that of its intake, a token there has the scope `send`. Whatever was sent goes there whole:
 * body, type, headers, subject, order, the time at which it expires. Delivered is what the other one
 * has on its disk, and says so in the words of a msgq: a page of a hotel's network says 200, too.
 */
import * as v from 'valibot'

import { isDestinationName } from '../../message/lane.ts'
import type { Secret } from '../reference.ts'
import { text } from '../values.ts'
import { line, present, secret } from './preset.ts'
import type { Preset } from './preset.ts'

const INTAKE = '/v1/messages'

export const msgq: Preset = {
  type: 'msgq',
  options: {
    token: v.optional(secret()),
    to: v.optional(
      text(
        (given) => (isDestinationName(given) ? undefined : 'is no name of a destination'),
        'write to = "crm", a destination of the other msgq',
      ),
    ),
    event: v.optional(line('write event = "order.paid", an event of the other msgq')),
  },
  secrets: ['token'],
  defaults: { idempotency_header: 'none' },
  reach({ url, token, auth, to, event, compress }) {
    const lack = (option: string, hint: string) => ({ option, why: 'is missing', hint })
    if (url === undefined) return lack('url', 'url = "https://central.example"')
    if (token === undefined && auth === undefined)
      return lack('token', 'token = { file = "central-token" }, of msgq token add there')
    if (to !== undefined && event !== undefined)
      return { option: 'event', why: 'does not go with to', hint: 'write one of them' }
    if (compress === 'gzip')
      return { option: 'compress', why: 'is nothing that msgq takes', hint: 'leave it out' }
    const reach = { url: withPath(url), idempotencyHeader: 'none' }
    return token === undefined
      ? reach
      : { ...reach, auth: { kind: 'bearer', token: token as Secret } }
  },
  tooLong: 'bounce',
  carry: ({ envelope, contentType, name }, { to, event }) =>
    present({
      to: event === undefined ? (to ?? name) : undefined,
      event,
      method: envelope.method,
      headers: envelope.headers,
      contentType,
      subject: envelope.subject,
      level: envelope.level,
      key: envelope.key ?? envelope.id,
      order: envelope.order,
      expires: envelope.expiresAt,
    }),
  on: `[
  { status = [200, 202], json = { id = { exists = true }, repeat = { exists = true } }, then = "deliver" },
  { status = "2xx", then = "defer", why = "these are not the words of a msgq" },
  { status = "3xx", then = "defer", why = "a msgq does not redirect" },
  { status = [401, 403], then = "suspend", why = "the token is no good there, or may not send that" },
  { status = 400, json = { field = ["to", "event"] }, then = "suspend", why = "there is no such destination or event there" },
  { status = [404, 405, 410], then = "suspend", why = "there is no msgq at this url" },
  { status = 422, json = { code = "loop" }, then = "bounce", fault = "configuration", why = "it has been there before: they hand on in a circle" },
  { status = 409, then = "defer", why = "it is being written there" },
  # 429, 503: later. 500 and silence: again, under the same id. Other 4xx: never.
]`,
}

/** A bare URL of a host is that of its intake; one with a path says itself where that is. */
function withPath<T>(url: T): T | string {
  if (typeof url !== 'string' || !URL.canParse(url)) return url
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? origin + INTAKE : url
}

/**
 * cors - which pages may ask from a browser over TCP: none, unless `[listen] cors` names them.
 *
 * A page of any site can make a browser on this machine send to its loopback. So a request that
 * carries an `Origin` is refused unless that is named; and without tokens the `Host` must be the
 * loopback's, because a name of the page's own may point there (DNS rebinding).
 */
import type { IncomingMessage } from 'node:http'

import { printable } from '../base/text.ts'
import { Refusal } from './refusal.ts'
import type { Reply } from './reply.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** What lets a page read the answer. */
export function corsHeaders(
  { headers: { origin } }: IncomingMessage,
  origins: readonly string[],
): Readonly<Record<string, string>> {
  if (origin === undefined || !origins.includes(origin)) return {}
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'location, retry-after',
    vary: 'origin',
  }
}

/** The answer to a browser that asks whether a page may ask; undefined for what is none. */
export function preflight(
  { headers }: IncomingMessage,
  origins: readonly string[],
): Reply | undefined {
  const { origin } = headers
  if (headers['access-control-request-method'] === undefined) return undefined
  if (origin === undefined || !origins.includes(origin)) return undefined
  return {
    status: 204,
    json: undefined,
    headers: {
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, last-event-id',
      'access-control-max-age': '600',
    },
  }
}

/** Throws (403) for a page that is not named. */
export function checkOrigin(
  { headers: { origin } }: IncomingMessage,
  origins: readonly string[],
): void {
  if (origin === undefined || origins.includes(origin)) return
  throw new Refusal(403, 'origin', `origin: ${printable(origin, 80)} may not ask here`, {
    hint: '[listen] cors in msgq.toml names the pages that may',
    ends: true,
  })
}

/** Throws (403) for a host that is no name of the loopback. */
export function checkHost({ headers: { host = '' } }: IncomingMessage): void {
  if (LOOPBACK.test(host)) return
  throw new Refusal(403, 'host', `host: ${printable(host, 80)} is not this machine`, {
    hint: 'ask 127.0.0.1 or localhost, or give [listen] tokens',
    ends: true,
  })
}

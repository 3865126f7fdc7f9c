/**
 * shown-request - what a person may see of a request that nobody makes: stars for its secrets.
 *
 * What is made at the attempt itself, as a signature or a token, is only hinted at.
 */
import type { HttpDestination } from '../config/config.ts'
import { shownHeader, shownTo } from '../message/mask.ts'
import { isWorthPacking } from '../transport/compress.ts'
import { withQuery } from '../transport/query.ts'
import { IDEMPOTENCY_KEY } from '../transport/request.ts'
import type { Prepared } from '../transport/request.ts'
import { SIGNATURE, TIMESTAMP } from '../transport/sign.ts'

export const STARS = '****'

/** What stands in for what is fetched, counted or signed at an attempt. */
export function hinted(destination: HttpDestination, bytes: number): Prepared {
  const { sign, compress, compressAbove, auth } = destination
  const headers: [string, string][] = []
  if (sign !== undefined)
    headers.push([TIMESTAMP, '(the time of the attempt)'], [SIGNATURE, STARS])
  if (compress !== undefined && isWorthPacking(bytes, compressAbove))
    headers.push(['content-encoding', compress])
  return { headers, secrets: [], ...(auth?.kind === 'oauth2' ? { token: STARS } : {}) }
}

/** The URL with its query, or as much of it as may be seen. */
export function shownUrl({ url, query }: HttpDestination): string {
  if (typeof url !== 'string')
    return 'within' in url ? url.within.replace('{}', STARS) : STARS
  const shown = shownTo(url)
  if (query === undefined || shown.endsWith('...')) return shown
  // The stars are no part of a URL: they stand as they are.
  return withQuery(new URL(url), query, () => STARS).href
}

/** A header's value. The key by which receivers drop a repeat is called a key, and is no secret. */
export function shownValue(
  { idempotencyHeader = IDEMPOTENCY_KEY }: HttpDestination,
  name: string,
  value: string,
): string {
  return name === idempotencyHeader ? value : shownHeader(name, value)
}

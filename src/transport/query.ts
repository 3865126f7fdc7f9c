/**
 * query - adds what a destination's `query` says to a URL, which stays as it is written.
 */
import type { Secret } from '../config/reference.ts'
import type { SecretSource } from './transport.ts'

/** The URL with these parameters behind its own. */
export function withQuery(
  url: URL,
  query: Readonly<Record<string, string | Secret>>,
  reveal: SecretSource,
): URL {
  const added = Object.entries(query).map(([name, held]) => {
    const value = typeof held === 'string' ? held : reveal(held)
    return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  })
  const whole = new URL(url)
  whole.search = [...(url.search.length > 1 ? [url.search.slice(1)] : []), ...added].join(
    '&',
  )
  return whole
}

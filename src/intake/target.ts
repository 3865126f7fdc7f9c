/**
 * target - what the first line of a request asks for: a path, and the parts of a query.
 *
 * What is not written in UTF-8 is refused and never guessed: two keys that are no text would
 * otherwise both become the same one, and the second message would pass for a repeat.
 */
import { Refusal } from './refusal.ts'

/** The path and the query of a request's target. */
export function splitTarget(url: string): [path: string, query: string] {
  const at = url.indexOf('?')
  const [path, query] = at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
  if (!path.startsWith('/'))
    throw new Refusal(400, 'malformed', 'the target of a request is a path')
  return [path, query]
}

export function readQuery(query: string): URLSearchParams {
  try {
    decodeURIComponent(query)
  } catch {
    throw new Refusal(400, 'malformed', 'query: is not written in UTF-8', {
      hint: 'a % of its own is written %25; curl: -G --data-urlencode',
    })
  }
  return new URLSearchParams(query)
}

/**
 * mask - what a person may see of what a sender wrote. Only `show --raw` shows all of it.
 *
 * The path of a bare URL is often a password (Slack, Discord, Teams), and so are some headers.
 */
import { memo } from '../base/memo.ts'
import { looksLikeUrl } from './lane.ts'

const SECRET_HEADER =
  /^(?:authorization|cookie|proxy-authorization)$|(?:key|token|secret|signature)$/i

/** A destination's name as it is; of a URL the scheme, the host and the first path segment. */
export function shownTo(to: string): string {
  return looksLikeUrl(to) ? shownUrl(to) : to
}

const shownUrl = memo((to) => {
  try {
    const { origin, pathname, search } = new URL(to)
    const [first = '', ...rest] = pathname.slice(1).split('/')
    const cut = rest.length > 0 || search !== ''
    return `${origin}/${first}${cut ? `${first === '' ? '' : '/'}...` : ''}`
  } catch {
    return '(no valid URL)'
  }
})

/** A header's value, or stars for one that is a secret by its name. */
export function shownHeader(name: string, value: string): string {
  return SECRET_HEADER.test(name) ? '****' : value
}

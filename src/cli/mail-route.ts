/**
 * mail-route - which destinations a mail goes to, by [mail] of msgq.toml. Pure.
 *
 * For each receiver, the first of: its address, the part before the @, a destination of that
 * name, `default`, and [send] to.
 */
import { looksLikeUrl } from '../message/lane.ts'
import { splitReceivers } from '../intake/recipient.ts'
import type { Terms } from '../intake/terms.ts'

export interface MailRoute {
  /** Where it goes, each once. */
  readonly to: readonly string[]
  /** Receivers for whom there is nothing. */
  readonly unknown: readonly string[]
}

/** The destinations of these receivers; without receivers those of `default`. */
export function routeMail(receivers: readonly string[], terms: Terms): MailRoute {
  const to = new Set<string>()
  const unknown: string[] = []
  for (const receiver of receivers.length === 0 ? ['default'] : receivers) {
    const found = destinationsFor(receiver, terms)
    if (found === undefined) unknown.push(receiver)
    else for (const each of splitReceivers(found)) to.add(each)
  }
  return { to: [...to], unknown }
}

/** The addresses of words such as `root,ann@example.com` or `<ann@example.com>`. */
export function receiversOn(words: readonly string[]): string[] {
  return words
    .flatMap((word) => word.split(','))
    .map((word) => word.trim().replace(/^<(.*)>$/, '$1'))
    .filter((word) => word !== '')
}

function destinationsFor(receiver: string, terms: Terms): string | undefined {
  const { mail = new Map<string, string>(), destinations } = terms
  const address = receiver.toLowerCase()
  const at = address.lastIndexOf('@')
  const local = at === -1 ? address : address.slice(0, at)
  const named =
    at === -1 && destinations?.has(local) && !looksLikeUrl(local) ? local : undefined
  return mail.get(address) ?? mail.get(local) ?? named ?? mail.get('default') ?? terms.to
}

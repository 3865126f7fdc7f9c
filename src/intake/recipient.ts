/**
 * recipient - whom a message is for: what the line says, else $MSGQ_TO, else [send] to.
 *
 * A word names one receiver or more: "ops,pager". A comma always separates, so that no list is
 * ever taken for a long URL; one within a URL is written %2C.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { looksLikeUrl } from '../message/lane.ts'
import type { Terms } from './terms.ts'

/** Names that an error lists. */
const SHOWN = 10

/** The receivers of a word, in its order. */
export function splitReceivers(word: string): string[] {
  return word.split(',')
}

/**
 * The receivers of a message, each of which may be sent to: those of the word, else what the
 * terms say. Throws (usage) otherwise.
 */
export function receiversOf(given: string | undefined, terms: Terms): string[] {
  if (given === undefined && terms.to === undefined)
    throw new MsgqError('usage', 'nobody to send to', `msgq send TO TEXT; ${known(terms)}`)
  const receivers = given === undefined ? [terms.to as string] : splitReceivers(given)
  for (const [index, to] of receivers.entries()) {
    if (to === '')
      throw new MsgqError('usage', `to: an empty name in ${JSON.stringify(given)}`)
    if (receivers.indexOf(to) !== index)
      throw new MsgqError('usage', `to: ${JSON.stringify(to)} stands twice`)
    if (index > 0 && looksLikeUrl(receivers[index - 1] as string))
      checkDestination(to, terms, 'a comma within a URL is written %2C')
    else checkDestination(to, terms)
  }
  return receivers
}

/** Throws (usage) for a name that no destination has, where that can be told. */
export function checkDestination(to: string, terms: Terms, remark?: string): void {
  const { destinations } = terms
  if (destinations === undefined || looksLikeUrl(to) || destinations.has(to)) return
  const meant = didYouMean(to, destinations.keys())
  const hint = remark ?? hintFor(to, terms)
  throw new MsgqError(
    'usage',
    `no such destination: ${JSON.stringify(to)}`,
    meant === undefined ? hint : `did you mean ${meant}? ${hint}`,
  )
}

function hintFor(to: string, terms: Terms): string {
  if (/\s/.test(to)) return 'where to stands first: msgq send TO TEXT'
  const isHost = /^[\w-]+(\.[\w-]+)+([:/]|$)/.test(to)
  return isHost ? 'a URL begins with https:// or http://' : known(terms)
}

function known({ destinations }: Terms): string {
  if (destinations === undefined) return 'a destination of msgq.toml or a URL'
  if (destinations.size === 0)
    return 'no destinations are configured: use a URL, or define [destinations.NAME] in msgq.toml'
  const names = [...destinations.keys()]
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `there are ${names.slice(0, SHOWN).join(', ')}${more}`
}

/**
 * address - which addresses a request may go to: [http] deny, and allow, which wins.
 *
 * The rule is kept where the address is known that is connected to: each answer of a look-up
 * is asked about, and those that may not be used are left out; a literal in a URL, for which
 * nothing is looked up, is asked about by itself. Behind a proxy names are looked up by the
 * proxy, so that there only literals can be checked.
 */
import { lookup as systemLookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'

import { namesOf, parseRange } from '../base/network.ts'
import type { Range } from '../base/network.ts'
import { printable } from '../base/text.ts'
import type { HttpOptions } from '../config/config.ts'

/** The range that denies an address; undefined where it may be connected to. */
export type AddressRule = (address: string) => string | undefined

/** The rule of a destination. What an operator wrote was checked when it was read. */
export function addressRule({
  deny,
  allow,
}: Pick<HttpOptions, 'deny' | 'allow'>): AddressRule {
  const [denied, allowed] = [deny.map(rangeOf), allow.map(rangeOf)]
  return (address) => {
    const names = namesOf(address)
    const holding = (ranges: readonly Range[]) =>
      ranges.find((range) => names.some((name) => range.holds(name)))
    return holding(allowed) === undefined ? holding(denied)?.text : undefined
  }
}

function rangeOf(text: string): Range {
  const range = parseRange(text)
  if (typeof range === 'string') throw new Error(`${text}: ${range}`)
  return range
}

/** An address that the rule denies; the message is for people. */
export class AddressError extends Error {
  constructor(host: string, address: string, range: string) {
    const inner = namesOf(address).at(-1)
    const whole = inner === address ? address : `${address} (${inner})`
    const who = host === address ? whole : `${printable(host, 100)} is ${whole},`
    super(`${who} ${host === address ? 'is ' : ''}in ${range} of [http] deny`)
    this.name = 'AddressError'
  }
}

/** Throws an AddressError for a URL whose host is an address that the rule denies. */
export function checkLiteral({ hostname }: URL, rule: AddressRule): void {
  const address = hostname.replace(/^\[|\]$/g, '')
  const range = isIP(address) === 0 ? undefined : rule(address)
  if (range !== undefined) throw new AddressError(address, address, range)
}

/** A look-up that knows only addresses which the rule lets through. */
export function ruledLookup(
  rule: AddressRule,
  lookup: LookupFunction = systemLookup,
): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const answers = found as LookupAddress[]
      const usable = answers.filter(({ address }) => rule(address) === undefined)
      const [first] = answers
      if (usable.length === 0 && first !== undefined)
        callback(new AddressError(host, first.address, rule(first.address) ?? ''), [])
      else if (options.all === true || usable[0] === undefined) callback(null, usable)
      else callback(null, usable[0].address, usable[0].family)
    })
  }
}

/**
 * network - IP addresses, and ranges of them as people write them ("10.0.0.0/8", "::1").
 *
 * An IPv6 address may carry an IPv4 one, and lead there: such an address is known by both.
 * Pure; whether a range is wanted or not is for others to say.
 */
import { BlockList, isIP } from 'node:net'

/** A range as it was written. */
export interface Range {
  readonly text: string
  /** True when an address lies in it; one that carries another is asked about as `namesOf` says. */
  holds(address: string): boolean
}

/** Forms of IPv6 that carry IPv4: the bits that tell them, and how far from the end it lies. */
const CARRIERS = [
  // Mapped: the system connects by IPv4.
  { prefix: 0xffffn, length: 96, after: 0n },
  // Translated: RFC 2765.
  { prefix: 0xffff_0000n, length: 96, after: 0n },
  // NAT64, by the well-known prefix and by those for local use.
  { prefix: 0x64_ff9bn << 64n, length: 96, after: 0n },
  { prefix: 0x64_ff9b_0001n, length: 48, after: 0n },
  // 6to4.
  { prefix: 0x2002n, length: 16, after: 80n },
  // Compatible: RFC 4291; below 2 ** 16 stand `::` and `::1`, which are themselves.
  { prefix: 0n, length: 96, after: 0n, least: 0x1_0000n },
] as const

/** The range that a text means, or why it means none. */
export function parseRange(text: string): Range | string {
  const [, given = '', prefix] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const family = isIP(given)
  if (family === 0) return 'is neither an address nor a range'
  const size = family === 6 ? 128 : 32
  const length = prefix === undefined ? size : Number(prefix)
  if (length > size) return `has a prefix longer than ${size}`
  const rest = BigInt(size - length)
  if ((bitsOf(given) >> rest) << rest !== bitsOf(given))
    return `has bits behind its prefix of ${length}`
  const mapped = length >= 96 && isMapped(given) ? namesOf(given)[0] : undefined
  return rangeOf(text, mapped ?? given, mapped === undefined ? length : length - 96)
}

function rangeOf(text: string, address: string, length: number): Range {
  const family = familyOf(address)
  const list = new BlockList()
  list.addSubnet(address, length, family)
  // A list compares IPv4 with mapped IPv6; a range of the one says nothing about the other.
  return {
    text,
    holds: (asked) => familyOf(asked) === family && list.check(asked, family),
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

/** What an address is known by: itself and the one that it carries; a mapped one by that alone. */
export function namesOf(address: string): string[] {
  const plain = address.replace(/%.*$/s, '')
  const carried = carriedBy(plain)
  if (carried === undefined) return [plain]
  return isMapped(plain) ? [carried] : [plain, carried]
}

function carriedBy(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  const bits = bitsOf(address)
  for (const { prefix, length, after, ...rest } of CARRIERS) {
    const least = 'least' in rest ? rest.least : 0n
    const inner = (bits >> after) & 0xffff_ffffn
    if (bits >> BigInt(128 - length) === prefix && inner >= least) return dotted(inner)
  }
  return undefined
}

function isMapped(address: string): boolean {
  return isIP(address) === 6 && bitsOf(address) >> 32n === 0xffffn
}

function dotted(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((at) => String((bits >> at) & 0xffn)).join('.')
}

/** The number that a valid address is. */
function bitsOf(address: string): bigint {
  if (isIP(address) === 4)
    return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  // A URL writes every IPv6 address in hexadecimal groups, the dotted ones too.
  const [head, tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [left, right] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n)
  return [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | part, 0n)
}

function groups(text = ''): bigint[] {
  return text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`))
}

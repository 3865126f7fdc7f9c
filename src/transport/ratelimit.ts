/**
 * ratelimit - until when a receiver has no more to give, by the fields beside its answer.
 *
 * Reads the RateLimit field of the IETF draft in its newer (`"day";r=0;t=30`) and older form
 * (`limit=10, remaining=0, reset=30`), `RateLimit-*`, `X-RateLimit-*` and `X-Rate-Limit-*`. Only
 * what says that nothing remains counts; of several the latest. A reset is seconds from now, a
 * span ("6m5s"), or seconds since 1970 by the receiver's own `Date`. Never more than a day. What
 * is not understood is as if it were not there.
 */
import { parseDuration } from '../base/duration.ts'
import { httpDate } from './retry-after.ts'
import type { HeaderValue } from './retry-after.ts'

const DAY = 86_400_000
/** A number so large is a time and not a span; larger than the second, it is in ms. */
const EPOCH = 1_000_000_000
const EPOCH_MS = 1_000_000_000_000
/** A field that is longer is not read. */
const LONGEST = 2_048

type Headers = Readonly<Record<string, HeaderValue>>

/** What remains, and the fields that may say until when; the first of them that is there. */
const FIELDS: readonly (readonly [remaining: string, ...resets: string[]])[] = [
  ['ratelimit-remaining', 'ratelimit-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset-after', 'x-ratelimit-reset'],
  ['x-rate-limit-remaining', 'x-rate-limit-reset'],
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
]

/**
 * Epoch ms before which the receiver has nothing more to give; undefined: it does not say so.
 * `refused`: it answered 429, and need not say that nothing remains.
 */
export function usedUpUntil(
  headers: Headers,
  refused: boolean,
  now: number,
): number | undefined {
  let latest = 0
  const add = (reset: string | undefined) => {
    const delay = reset === undefined ? undefined : delayOf(reset, headers, now)
    if (delay !== undefined && delay > 0) latest = Math.max(latest, now + delay)
  }
  for (const [remaining, ...resets] of FIELDS) {
    const left = first(headers[remaining])
    if (left === undefined ? !refused : !isZero(left)) continue
    add(first(headers[resets.find((name) => headers[name] !== undefined) ?? '']))
  }
  for (const reset of structured(headers)) add(reset)
  return latest === 0 ? undefined : latest
}

function delayOf(text: string, headers: Headers, now: number): number | undefined {
  const span = parseDuration(text)
  if (span !== undefined) return Math.min(span, DAY)
  if (!/^\d{1,16}(?:\.\d{1,9})?$/.test(text)) return undefined
  const number = Number(text)
  if (number < EPOCH) return Math.min(Math.ceil(number * 1000), DAY)
  const theirNow = httpDate(first(headers['date']) ?? '', now) ?? now
  const at = number < EPOCH_MS ? number * 1000 : number
  return Math.min(Math.ceil(at - theirNow), DAY)
}

/** The resets of those items of a RateLimit field that have nothing left. */
function structured(headers: Headers): string[] {
  const items = itemsOf(headers['ratelimit'])
  const reset = items.find(({ name }) => name === 'reset')?.value
  const left = items.find(({ name }) => name === 'remaining')?.value
  const old = left !== undefined && isZero(left) && reset !== undefined ? [reset] : []
  const policies = itemsOf(items.length > 0 ? headers['ratelimit-policy'] : undefined)
  return [
    ...old,
    ...items
      .filter(({ parameters }) => isZero(parameters.get('r') ?? ''))
      .map(({ name, parameters }) => {
        // Without a time of its own at most the window of its policy.
        const policy = policies.find((each) => each.name === name)
        return parameters.get('t') ?? policy?.parameters.get('w')
      })
      .filter((text) => text !== undefined),
  ]
}

interface Item {
  readonly name: string
  /** Of `name=value`, the older form. */
  readonly value: string | undefined
  readonly parameters: ReadonlyMap<string, string>
}

const NAME = '"(?:[^"\\\\]|\\\\.)*"|[a-z*][\\w.:*/-]*'
const VALUE = '"(?:[^"\\\\]|\\\\.)*"|[^\\s;,"]+'
const ITEM = new RegExp(
  `[ \\t]*(${NAME})(?:=(${VALUE}))?((?:[ \\t]*;[ \\t]*[a-z*][\\w.*-]*(?:=(?:${VALUE}))?)*)[ \\t]*(?:,|$)`,
  'iy',
)
const PARAMETER = new RegExp(`;[ \\t]*([a-z*][\\w.*-]*)(?:=(${VALUE}))?`, 'gi')

/** The items of a list of structured fields (RFC 9651); none where a part of it is none. */
function itemsOf(value: HeaderValue): Item[] {
  if (value === undefined) return []
  const text = typeof value === 'string' ? value : value.join(', ')
  const items: Item[] = []
  if (text.length > LONGEST) return items
  for (let at = 0; at < text.length; at = ITEM.lastIndex) {
    ITEM.lastIndex = at
    const parts = ITEM.exec(text)
    if (parts === null) return []
    const [, name = '', own, rest = ''] = parts
    const parameters = new Map<string, string>()
    for (const [, key = '', given = ''] of rest.matchAll(PARAMETER))
      parameters.set(key.toLowerCase(), given)
    items.push({ name: name.replace(/^"|"$/g, ''), value: own, parameters })
  }
  return items
}

function isZero(text: string): boolean {
  return /^0+(?:\.0+)?$/.test(text)
}

function first(value: HeaderValue): string | undefined {
  return (typeof value === 'string' ? value : value?.[0])?.trim()
}

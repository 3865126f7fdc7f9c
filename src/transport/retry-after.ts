/**
 * retry-after - when a receiver wants to be tried again, by its own word.
 *
 * Reads delay-seconds (RFC 9110, 10.2.3), also with a fraction, and the three forms of
 * HTTP-date. A date is measured against the receiver's own `Date`, so that a wrong clock on
 * either side neither hurries nor delays. Never more than a day ahead. What is in the past or
 * not understood is as if it were not there; of several values the latest counts.
 */
const DAY = 86_400_000

/** A header as it came: absent, once, or several times. */
export type HeaderValue = string | readonly string[] | undefined

/** Epoch ms before which the receiver wants no further attempt; undefined: it said nothing. */
export function retryAfter(
  value: HeaderValue,
  date: HeaderValue,
  now: number,
): number | undefined {
  if (value === undefined) return undefined
  const theirNow = httpDate((typeof date === 'string' ? date : date?.[0]) ?? '', now) ?? now
  let latest: number | undefined
  for (const text of typeof value === 'string' ? [value] : value) {
    const delay = delayOf(text.trim(), theirNow)
    if (delay === undefined || delay < 0) continue
    latest = Math.max(latest ?? 0, now + Math.min(delay, DAY))
  }
  return latest
}

function delayOf(text: string, theirNow: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  const at = httpDate(text, theirNow)
  return at === undefined ? undefined : at - theirNow
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  `^[a-z]{3}, (?<day>\\d{1,2}) (?<month>[a-z]{3}) (?<year>\\d{4}) ${TIME} (?:GMT|UTC)$`,
  // Sunday, 06-Nov-94 08:49:37 GMT
  `^[a-z]{3,9}, (?<day>\\d{1,2})-(?<month>[a-z]{3})-(?<year>\\d{2}|\\d{4}) ${TIME} (?:GMT|UTC)$`,
  // Sun Nov  6 08:49:37 1994
  `^[a-z]{3} (?<month>[a-z]{3}) {1,2}(?<day>\\d{1,2}) ${TIME} (?<year>\\d{4})$`,
].map((form) => new RegExp(form, 'i'))

/** Epoch ms of an HTTP-date in any of its forms. `now` settles the century of a short year. */
export function httpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text.trim())?.groups
    if (parts === undefined) continue
    const [day, hour, minute, second] = [
      Number(parts['day']),
      Number(parts['hour']),
      Number(parts['minute']),
      Number(parts['second']),
    ]
    const month = MONTHS.indexOf(String(parts['month']).toLowerCase())
    if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
    const year = fullYear(String(parts['year']), now)
    // A leap second has no number of its own.
    const at = Date.UTC(year, month, day, hour, minute, Math.min(second, 59))
    return new Date(at).getUTCDate() === day ? at : undefined
  }
  return undefined
}

/** RFC 9110, 5.6.7: a two-digit year more than 50 years ahead is the one in the past. */
function fullYear(text: string, now: number): number {
  if (text.length === 4) return Number(text)
  const current = new Date(now).getUTCFullYear()
  const year = current - (current % 100) + Number(text)
  return year > current + 50 ? year - 100 : year
}

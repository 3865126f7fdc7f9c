/**
 * name - the name of a message's file, which is its schedule:
 * `<due>,<tries>,<id>@<lane>[~<chain>][#<claim>]`.
 *
 * `20261120T101500.123Z,3,01JD3Z8K6Q4W5E6R7T8Y9V0A1P@ops`: names sort by due time, and readdir
 * alone answers what waits, where to, since when and until when.
 */
import { isId } from '../../message/id.ts'
import { LANE } from '../../message/lane.ts'

export interface Name {
  /** Epoch ms from which the next attempt may start; in bounce/, when it bounced. */
  readonly due: number
  /** Attempts that were recorded. */
  readonly tries: number
  readonly id: string
  readonly lane: string
  /** 8 hex of the ordering key. */
  readonly chain?: string
  /** The token of the lease, in active/ only. */
  readonly claim?: string
}

const NAME = new RegExp(
  `^\\d{8}T\\d{6}\\.\\d{3}Z,(?:0|[1-9]\\d{0,8}),[0-7][0-9A-HJKMNP-TV-Z]{25}@(?:${LANE})` +
    '(?:~[0-9a-f]{8})?(?:#[0-9a-z]{1,24})?$',
)

/** Where `tries` begins: behind the due and its comma. */
const TRIES_AT = 21

/**
 * Tells names of ours from others, or of these lanes alone, at a tenth of what reading one costs.
 * It takes a 31st of February for a day.
 */
export function nameTest(lanes?: readonly string[]): RegExp {
  const lane =
    // Of no lanes there is no name.
    lanes
      ?.map((one) => one.replaceAll('.', '\\.'))
      .join('|')
      .replace(/^$/, '(?!)') ?? '[a-z0-9][a-z0-9_-]{0,63}|=[a-z0-9._-]{1,64}|_event|_adopt'
  const day = '(?:19[7-9]|[2-9]\\d\\d)\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])'
  const time = '(?:[01]\\d|2[0-3])[0-5]\\d[0-5]\\d\\.\\d{3}Z'
  const id = '[0-7][0-9A-HJKMNP-TV-Z]{25}'
  return new RegExp(
    `^${day}T${time},(?:0|[1-9]\\d{0,8}),${id}@(?:${lane})(?:~[0-9a-f]{8})?(?:#[0-9a-z]{1,24})?$`,
  )
}

/** The last due that fits four digits of a year. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** A time as names carry it: `20261120T101500.123Z`. */
export function formatDue(ms: number): string {
  const iso = new Date(Math.min(Math.max(0, ms), LATEST)).toISOString()
  // Names are read and written by the thousand; a replace costs five times as much.
  return (
    iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 13) + iso.slice(14, 16) + iso.slice(17)
  )
}

/** The file name of a message. */
export function formatName(name: Name): string {
  const chain = name.chain === undefined ? '' : `~${name.chain}`
  const claim = name.claim === undefined ? '' : `#${name.claim}`
  return `${formatDue(name.due)},${name.tries},${name.id}@${name.lane}${chain}${claim}`
}

/**
 * Reads a file name; undefined for one that is not ours. A start reads a million of them: the
 * pattern only says yes or no, and what it would capture is cut out by its place.
 */
export function parseName(text: string): Name | undefined {
  if (!NAME.test(text)) return undefined
  const due = dueIn(text)
  if (due === undefined) return undefined
  const at = text.indexOf('@')
  const claimAt = text.indexOf('#', at)
  const unclaimedEnd = claimAt < 0 ? text.length : claimAt
  const chainAt = text.indexOf('~', at)
  const name = {
    due,
    tries: triesIn(text),
    id: text.slice(at - 26, at),
    lane: text.slice(at + 1, chainAt < 0 ? unclaimedEnd : chainAt),
  }
  if (chainAt < 0 && claimAt < 0) return name
  return {
    ...name,
    ...(chainAt < 0 ? {} : { chain: text.slice(chainAt + 1, unclaimedEnd) }),
    ...(claimAt < 0 ? {} : { claim: text.slice(claimAt + 1) }),
  }
}

/** The attempts that a name of ours says were recorded. */
export function triesIn(text: string): number {
  return Number(text.slice(TRIES_AT, text.indexOf(',', TRIES_AT)))
}

/** The due of a text that is made like a name; undefined where there is no such time. */
function dueIn(text: string): number | undefined {
  const year = 100 * two(text, 0) + two(text, 2)
  const month = two(text, 4)
  const day = two(text, 6)
  const hour = two(text, 9)
  const minute = two(text, 11)
  const second = two(text, 13)
  const ms = 10 * two(text, 16) + text.charCodeAt(18) - 48
  // Date.UTC rolls a 31st of February over, and takes the year 70 for 1970.
  const isDay = year >= 1970 && month >= 1 && month <= 12 && day >= 1
  if (!isDay || day > daysOf(month, year)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second, ms)
}

/** The number that two digits make. */
function two(text: string, at: number): number {
  return 10 * text.charCodeAt(at) + text.charCodeAt(at + 1) - 528
}

function daysOf(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Where the id stands in a name of ours; of any other text, something that is no id. */
export function idIn(text: string): string {
  const at = text.indexOf('@')
  return text.slice(Math.max(0, at - 26), at)
}

/** What a waiting file is called once it is claimed. */
export function claimedName(file: string, token: string): string {
  return `${file}#${token}`
}

/** The name without its claim: what a message is called outside active/. */
export function unclaimed(name: Name): Name {
  const { claim: _, ...rest } = name
  return rest
}

/** A name so many milliseconds later, for a message whose own is taken. */
export function laterName(text: string, ms: number): string {
  const name = parseName(text)
  if (name === undefined) return `${text}.${ms}`
  const due = name.due + ms > LATEST ? name.due - ms : name.due + ms
  return formatName({ ...name, due })
}

/** True for a name that is nobody's message yet: it begins with a dot. */
export function isStaged(text: string): boolean {
  return text.startsWith('.')
}

/** True for one that a writer of ours gave what it had not written whole; a person's has no id. */
export function isWriters(staged: string): boolean {
  return isId(staged.slice(1, 27))
}

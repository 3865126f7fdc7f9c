/**
 * name - the name of a message's file, which is its schedule:
 * `<due>,<tries>,<id>@<lane>[~<chain>][#<claim>]`.
 *
 * `20261120T101500.123Z,3,01JD3Z8K6Q4W5E6R7T8Y9V0A1P@ops`: names sort by due time, and readdir
 * alone answers what waits, where to, since when and until when.
 */
import { isLane } from '../../message/lane.ts'

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

const NAME =
  /^(\d{8}T\d{6}\.\d{3}Z),(0|[1-9]\d{0,8}),([0-7][0-9A-HJKMNP-TV-Z]{25})@([a-z0-9=_][a-z0-9._-]*)(?:~([0-9a-f]{8}))?(?:#([0-9a-z]{1,24}))?$/

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

/** Reads a file name; undefined for one that is not ours. */
export function parseName(text: string): Name | undefined {
  const match = NAME.exec(text)
  if (match === null) return undefined
  const [, stamp, tries, id, lane, chain, claim] = match
  if (!isLane(lane!)) return undefined
  const due = parseDue(stamp!)
  if (due === undefined) return undefined
  return {
    due,
    tries: Number(tries),
    id: id!,
    lane: lane!,
    ...(chain === undefined ? {} : { chain }),
    ...(claim === undefined ? {} : { claim }),
  }
}

function parseDue(stamp: string): number | undefined {
  const [year, month, day] = [stamp.slice(0, 4), stamp.slice(4, 6), stamp.slice(6, 8)]
  const [hour, minute, second] = [
    stamp.slice(9, 11),
    stamp.slice(11, 13),
    stamp.slice(13, 15),
  ]
  const ms = Date.UTC(
    +year,
    +month - 1,
    +day,
    +hour,
    +minute,
    +second,
    +stamp.slice(16, 19),
  )
  // Date.UTC rolls a 31st of February over, and takes the year 70 for 1970.
  const isTime =
    month >= '01' && month <= '12' && hour < '24' && minute < '60' && second < '60'
  if (!isTime || ms < 0 || year < '1970') return undefined
  return new Date(ms).getUTCDate() === +day ? ms : undefined
}

/** Where the id stands in a name of ours; of any other text, something that is no id. */
export function idIn(text: string): string {
  const at = text.indexOf('@')
  return text.slice(Math.max(0, at - 26), at)
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

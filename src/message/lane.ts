/**
 * lane - what is scheduled: the name of a destination, or the host of a bare URL.
 *
 * Destinations are `[a-z0-9][a-z0-9_-]*`; a bare URL's lane is `=host_port`, always with the
 * port, so that the two can never meet. `_event` and `_adopt` are ours.
 */
import { createHash } from 'node:crypto'

import { memo } from '../base/memo.ts'

const DESTINATION = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** A well-formed lane, as part of a pattern. */
export const LANE = '[a-z0-9][a-z0-9_-]{0,63}|=[a-z0-9._-]{1,64}|_event|_adopt'
const WHOLE_LANE = new RegExp(`^(?:${LANE})$`)

/** Longest host part of a bare URL's lane; what is longer ends in a hash. */
const HOST_LIMIT = 55

/** Names that look like one with a hash, or like an IPv6 address written with `-`. */
const MISTAKABLE = /-[0-9a-f]{8}$|^[0-9a-f-]*--[0-9a-f-]*$|^(?:[0-9a-f]+-){7}[0-9a-f]+$/

export const EVENT_LANE = '_event'
export const ADOPT_LANE = '_adopt'

/** True for a name that the configuration may give to a destination. */
export function isDestinationName(text: string): boolean {
  return DESTINATION.test(text)
}

/** True for a well-formed lane. */
export function isLane(text: string): boolean {
  return WHOLE_LANE.test(text)
}

/** True for a lane that leads somewhere: a destination's, or that of a bare URL. */
export function isOpenLane(text: string): boolean {
  return isDestinationName(text) || (isLane(text) && /^=.+_\d+$/.test(text))
}

/** True for the lane of a bare URL. */
export function isUrlLane(lane: string): boolean {
  return lane.startsWith('=')
}

/** True for what looks like a URL and not like the name of a destination. */
export function looksLikeUrl(to: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(to)
}

/** The lane of an event (no `to`), of a destination's name, or of a bare URL. */
export function laneOf(to: string | undefined): string {
  if (to === undefined) return EVENT_LANE
  return looksLikeUrl(to) ? urlLane(to) : to
}

/**
 * `=host_port`. IPv6 is written with `-` for `:`. A host over 55, and one that could be taken
 * for another's lane, is cut and given a hash.
 */
const urlLane = memo((to) => {
  const url = new URL(to)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const host = url.hostname.replace(/^\[|\]$/g, '').replaceAll(':', '-')
  const isName = !url.hostname.startsWith('[')
  const plain = /^[a-z0-9._-]+$/.test(host) && !(isName && MISTAKABLE.test(host))
  if (plain && host.length <= HOST_LIMIT) return `=${host}_${port}`
  const hash = createHash('sha256').update(url.hostname).digest('hex').slice(0, 8)
  const safe = host.replace(/[^a-z0-9._-]/g, '-').slice(0, HOST_LIMIT - 9)
  return `=${safe}-${hash}_${port}`
})

/**
 * suspend - stops a lane until it is resumed, or for a while: its messages wait, uncharged.
 *
 * Durable before it is said, with the daemon up or down. An attempt under way is not cut off.
 * A lane that is suspended already is left alone, unless something else is wanted of it now.
 */
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { suspensionStatus } from '../delivery/status.ts'
import { isInForce, suspensionText } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { exactTime, shortTime, spanText } from './clock-text.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { openLaneDesk, tellSuspended } from './lane-desk.ts'
import type { LaneDesk, Told } from './lane-desk.ts'
import { present } from './summary.ts'
import { LAST, spanOf } from '../intake/when.ts'

interface Options {
  readonly for?: string
  readonly why?: string
  readonly json?: boolean
}

/** A time that is nearer is said to the second (ms). */
const NEAR = 600_000

/** What came of a lane. */
interface Done {
  readonly suspension: Suspension
  readonly before: Suspension | undefined
  /** False where it was suspended already, just so. */
  readonly isNew: boolean
}

/** `msgq suspend`. */
export const define: Define = (command, begin) => {
  command
    .argument('<DEST...>', 'destinations, URLs, or lanes as msgq status lists them')
    .option('--for <span>', 'end it after this time by itself: 90s, 2h, 3d')
    .option('--why <text>', 'a reason, for whoever looks')
    .option('--json', 'print JSON, one lane a line')
    .action((words: string[], options: Options) =>
      begin((io, flags) => run(io, flags, words, options)),
    )
}

async function run(
  io: Io,
  flags: Flags,
  words: readonly string[],
  options: Options,
): Promise<number> {
  const span = options.for === undefined ? undefined : spanOf('--for', options.for)
  if (span === 0)
    throw new MsgqError('usage', '--for: is no time at all', 'msgq resume ends it at once')
  if (words.includes('ALL'))
    throw new MsgqError('usage', 'which lanes?', 'name them: msgq status lists them')
  const lanes = await openLaneDesk(io, flags, words)
  const done = await Promise.all(
    lanes.lanes.map((lane) => suspend(lane, lanes, io.clock.now(), span, options.why)),
  )
  const told = await tellAndCheck(io, lanes, done)
  const now = io.clock.now()
  const lines = done.map((one) =>
    options.json ? jsonOf(one, told) : `${textOf(one, told, now)}\n`,
  )
  await io.print(lines.join(''))
  if (told.notice !== undefined) io.warn(`suspend: ${told.notice}`)
  return 0
}

async function suspend(
  lane: string,
  { desk, by, before }: LaneDesk,
  at: number,
  span: number | undefined,
  why: string | undefined,
): Promise<Done> {
  const known = before.get(lane)
  const until = span === undefined ? undefined : Math.min(at + span, LAST)
  const reason = why === undefined ? known?.why : printable(why)
  // One that ends by itself is not what was asked for where no end was.
  if (known !== undefined && known.until === until && known.why === reason)
    return { suspension: known, before: known, isNew: false }
  const suspension: Suspension = {
    lane,
    // Since when it stands still, whoever says now for how long.
    at: known?.at ?? at,
    by,
    ...(reason === undefined ? {} : { why: reason }),
    ...(until === undefined ? {} : { until }),
  }
  await desk.suspend(suspension)
  return { suspension, before: known, isNew: true }
}

/**
 * Tells the daemon. It may have removed, as over, the file that we wrote anew at that moment:
 * then it knows nothing of the lane, and it is written once more.
 */
async function tellAndCheck(
  io: Io,
  { spool, desk, lanes }: LaneDesk,
  done: readonly Done[],
): Promise<Told> {
  const told = await tellSuspended(spool, lanes)
  if (told.lanes === undefined) return told
  const missing = done.filter(
    ({ suspension, isNew }) =>
      isNew &&
      isInForce(suspension, io.clock.now()) &&
      told.lanes?.get(suspension.lane)?.suspended === undefined,
  )
  if (missing.length === 0) return told
  for (const { suspension } of missing) await desk.suspend(suspension)
  return tellSuspended(spool, lanes)
}

function textOf({ suspension, before, isNew }: Done, { lanes }: Told, now: number): string {
  const { lane, until } = suspension
  if (!isNew)
    return `${lane} is suspended already, ${suspensionText(suspension, (ms) => shortTime(ms, now))}`
  const stays = before === undefined ? '' : `; before, ${endText(before, now)}`
  const end =
    until === undefined
      ? `until it is resumed (msgq resume ${lane})`
      : `${endText(suspension, now)} (${spanText(until - now + 999)})`
  const active = lanes?.get(lane)?.active ?? 0
  const underWay =
    active === 0
      ? ''
      : `; ${active} under way ${active === 1 ? 'goes' : 'go'} on to the end`
  return `${lane} suspended ${end}${stays}${underWay}`
}

function endText({ until }: Suspension, now: number): string {
  if (until === undefined) return 'until it was resumed'
  const isNear = until - now < NEAR
  return `until ${isNear ? exactTime(until, now) : shortTime(until, now)}`
}

function jsonOf({ suspension, isNew }: Done, { lanes }: Told): string {
  const { lane } = suspension
  const result = isNew ? 'suspended' : 'already'
  const active = lanes === undefined ? undefined : (lanes.get(lane)?.active ?? 0)
  return jsonLine(present({ lane, result, ...suspensionStatus(suspension), active }))
}

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
import { suspensionText } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { exactTime, shortTime, spanText } from './clock-text.ts'
import { onWords } from './command.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { noticeOf, openLaneDesk } from './lane-desk.ts'
import { present } from './summary.ts'
import { spanOf } from '../intake/when.ts'
import { suspendLanes } from '../library/lanes.ts'
import type { Suspended, Told } from '../library/lanes.ts'

interface Options {
  readonly for?: string
  readonly why?: string
  readonly json?: boolean
}

/** A time that is nearer is said to the second (ms). */
const NEAR = 600_000

/** `msgq suspend`. */
export const define: Define = (command, begin) => {
  command
    .argument('<DEST...>', 'destinations, URLs, or lanes as msgq status lists them')
    .option('--for <span>', 'end it after this time by itself: 90s, 2h, 3d')
    .option('--why <text>', 'a reason, for whoever looks')
    .option('--json', 'print JSON, one lane a line')
  onWords(command, begin, run)
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
  const why = options.why === undefined ? undefined : printable(options.why)
  const { done, told } = await suspendLanes(lanes, { span, why })
  const now = io.clock.now()
  const lines = done.map((one) =>
    options.json ? jsonOf(one, told) : `${textOf(one, told, now)}\n`,
  )
  await io.print(lines.join(''))
  const notice = noticeOf(told)
  if (notice !== undefined) io.warn(`suspend: ${notice}`)
  return 0
}

function textOf(
  { suspension, before, isNew }: Suspended,
  { lanes }: Told,
  now: number,
): string {
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

function jsonOf({ suspension, isNew }: Suspended, { lanes }: Told): string {
  const { lane } = suspension
  const result = isNew ? 'suspended' : 'already'
  const active = lanes === undefined ? undefined : (lanes.get(lane)?.active ?? 0)
  return jsonLine(present({ lane, result, ...suspensionStatus(suspension), active }))
}

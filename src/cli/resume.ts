/**
 * resume - lets a suspended lane go on. Durable before it is said, with the daemon up or down.
 */
import type { Flags } from '../config/find.ts'
import { suspensionStatus } from '../delivery/status.ts'
import { suspensionText } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { shortTime } from './clock-text.ts'
import { onWords } from './command.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { noticeOf, openLaneDesk } from './lane-desk.ts'
import { present } from './summary.ts'
import { resumeLanes } from '../library/lanes.ts'
import type { Told } from '../library/lanes.ts'

interface Options {
  readonly json?: boolean
}

/** `msgq resume`. */
export const define: Define = (command, begin) => {
  command
    .argument('<DEST...>', 'destinations, URLs, lanes as msgq status lists them, or ALL')
    .option('--json', 'print JSON, one lane a line')
  onWords(command, begin, run)
}

async function run(
  io: Io,
  flags: Flags,
  words: readonly string[],
  { json }: Options,
): Promise<number> {
  const meant = await openLaneDesk(io, flags, words)
  const { ended, told } = await resumeLanes(meant)
  const now = io.clock.now()
  const lines = meant.lanes.map((lane) => {
    const known = ended.has(lane) ? meant.before.get(lane) : undefined
    return json ? jsonOf(lane, known) : `${textOf(lane, known, told, now)}\n`
  })
  if (lines.length === 0 && !json) lines.push('no lane is suspended\n')
  await io.print(lines.join(''))
  const notice = noticeOf(told)
  if (ended.size > 0 && notice !== undefined) io.warn(`resume: ${notice}`)
  return 0
}

/** `known` is what ended with it; absent where nothing did. */
function textOf(
  lane: string,
  known: Suspension | undefined,
  { lanes }: Told,
  now: number,
): string {
  const time = (ms: number) => shortTime(ms, now)
  const { disabled = false, why } = lanes?.get(lane)?.suspended ?? {}
  const stays = disabled ? `; it is disabled, ${why}` : ''
  if (known === undefined) return `${lane} is not suspended${stays}`
  const closed = lanes?.get(lane)?.closedUntil
  const still =
    closed === undefined
      ? ''
      : `; its receiver closed it until ${time(Date.parse(closed))}: msgq flush --to ${lane}`
  return `${lane} resumed, was suspended ${suspensionText(known, time)}${still}${stays}`
}

function jsonOf(lane: string, known: Suspension | undefined): string {
  const was = known && suspensionStatus(known)
  return jsonLine(present({ lane, result: was ? 'resumed' : 'not suspended', was }))
}

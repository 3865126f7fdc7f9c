/**
 * resume - lets a suspended lane go on. Durable before it is said, with the daemon up or down.
 */
import type { Flags } from '../config/find.ts'
import { suspensionStatus } from '../delivery/status.ts'
import { suspensionText } from '../message/suspension.ts'
import { shortTime } from './clock-text.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { openLaneDesk, tellSuspended } from './lane-desk.ts'
import type { LaneDesk, Told } from './lane-desk.ts'
import { present } from './summary.ts'

interface Options {
  readonly json?: boolean
}

/** `msgq resume`. */
export const define: Define = (command, begin) => {
  command
    .argument('<DEST...>', 'destinations, URLs, lanes as msgq status lists them, or ALL')
    .option('--json', 'print JSON, one lane a line')
    .action((words: string[], options: Options) =>
      begin((io, flags) => run(io, flags, words, options)),
    )
}

async function run(
  io: Io,
  flags: Flags,
  words: readonly string[],
  { json }: Options,
): Promise<number> {
  const desk = await openLaneDesk(io, flags, words)
  // One that is over counts for nothing, and is removed with it.
  const gone = await Promise.all(desk.lanes.map((lane) => desk.desk.resume(lane)))
  const isEnded = (lane: string, at: number) => gone[at] === true && desk.before.has(lane)
  const told = await tellSuspended(desk.spool, desk.lanes)
  const now = io.clock.now()
  const lines = desk.lanes.map((lane, at) => {
    const ended = isEnded(lane, at)
    return json ? jsonOf(lane, desk, ended) : `${textOf(lane, desk, ended, told, now)}\n`
  })
  if (lines.length === 0 && !json) lines.push('no lane is suspended\n')
  await io.print(lines.join(''))
  const some = desk.lanes.some(isEnded)
  if (some && told.notice !== undefined) io.warn(`resume: ${told.notice}`)
  return 0
}

function textOf(
  lane: string,
  { before }: LaneDesk,
  isEnded: boolean,
  { lanes }: Told,
  now: number,
): string {
  const known = before.get(lane)
  const time = (ms: number) => shortTime(ms, now)
  const { disabled = false, why } = lanes?.get(lane)?.suspended ?? {}
  const stays = disabled ? `; it is disabled, ${why}` : ''
  if (!isEnded || known === undefined) return `${lane} is not suspended${stays}`
  const closed = lanes?.get(lane)?.closedUntil
  const still =
    closed === undefined
      ? ''
      : `; its receiver closed it until ${time(Date.parse(closed))}: msgq flush --to ${lane}`
  return `${lane} resumed, was suspended ${suspensionText(known, time)}${still}${stays}`
}

function jsonOf(lane: string, { before }: LaneDesk, isEnded: boolean): string {
  const known = before.get(lane)
  const was = known === undefined || !isEnded ? undefined : suspensionStatus(known)
  return jsonLine(present({ lane, result: isEnded ? 'resumed' : 'not suspended', was }))
}

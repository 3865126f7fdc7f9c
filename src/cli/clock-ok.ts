/**
 * clock-ok - an operator says that the clock is right: messages may expire again.
 *
 * The daemon is told. Where none runs, what the last one left in the spool is put right, so that
 * the next one believes the clock from its start.
 */
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import { checkReadable, readWitness, writeWitness } from '../queue/open.ts'
import { becomeOwner } from './become.ts'
import { exactTime } from './clock-text.ts'
import type { Io } from './command.ts'
import { askDaemon } from '../library/control.ts'
import { jsonLine } from './json.ts'
import { reading } from './reading.ts'

/** Has the clock believed, and says whether anybody doubted it. */
export async function confirmClock(io: Io, flags: Flags, json: boolean): Promise<number> {
  const { spool } = await findSpool(io.environment, flags)
  checkReadable(spool)
  const doubted = (await confirmDaemon(spool)) ?? (await confirmFile(io, spool))
  const now = io.clock.now()
  const said = doubted
    ? 'is believed again: messages expire by it'
    : 'was believed already: nothing to do'
  await io.print(
    json
      ? jsonLine({ clock: new Date(now).toISOString(), doubted })
      : `clock          ${exactTime(now, now)} ${said}\n`,
  )
  return 0
}

/** Undefined where no daemon listens. */
async function confirmDaemon(spool: string): Promise<boolean | undefined> {
  const answer = await askDaemon(spool, 'POST', '/v1/clock')
  if (answer === undefined) return undefined
  if (answer.status !== 200)
    throw new MsgqError('temporary', `msgqd: answers ${answer.status}`, 'see its log')
  return (answer.body as { doubted: boolean }).doubted
}

const DAY = 86_400_000

async function confirmFile(io: Io, spool: string): Promise<boolean> {
  const at = io.clock.now()
  const known = await readWitness(spool)
  const doubted =
    known !== undefined && (known.doubtedAt !== undefined || Math.abs(at - known.at) > DAY)
  if (doubted) {
    becomeOwner(spool)
    await reading('run/clock.json', () => writeWitness(spool, { at }))
  }
  return doubted
}

/**
 * in-flight - hold, delete and expire of messages that are under way.
 *
 * The daemon that has them is asked: it cuts the attempt off and says what became of the message,
 * and that is what is reported, be it too late. Without a daemon what the last one left in flight
 * is recovered under its lock, and acted on. A message that moves meanwhile is acted on where it
 * is. What a daemon that fell silent made of it nobody knows, and that is said too.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import type { SpoolPlace } from '../config/find.ts'
import { readLimits } from '../config/limits.ts'
import { GRANTED, isRecall } from '../delivery/recalls.ts'
import type { Recalled } from '../delivery/recalls.ts'
import type { Selector } from '../message/selector.ts'
import type { State } from '../message/state.ts'
import { openEngine } from '../queue/open.ts'
import type { EngineOptions } from '../queue/open.ts'
import type { Act, ActResult, Desk } from '../queue/queue.ts'
import { IN_FLIGHT, statesMeant } from '../queue/states.ts'
import { askDaemon } from './control.ts'

/** What is to be done, and to which messages. */
export interface Meant {
  readonly act: Act
  readonly by: string
  readonly why: string | undefined
  readonly selector: Selector
}

export interface Surroundings {
  readonly io: { readonly clock: Clock; warn(line: string): void }
  readonly place: SpoolPlace
  readonly desk: Desk
}

/** What an act came to with those that were in flight. */
export interface InFlight {
  readonly result: ActResult
  /** What a person should know of a message that is done, by its id. */
  readonly notes: ReadonlyMap<string, string>
  /** Those of which nobody knows whether they are done. */
  readonly unknown?: ActResult['skipped']
  /** Why that is so, to be said at the end. */
  readonly trouble?: MsgqError
}

/** How a message under way that was wanted back ended, as the daemon says. */
interface Answer extends Partial<Omit<Recalled, 'to'>> {
  readonly id: string
  /** Absent: it is not under way. `waits`: the disk does not let it be settled. */
  readonly to?: Recalled['to'] | 'waits'
}

export const NO_NOTES: ReadonlyMap<string, string> = new Map()

/** So many are asked for at once: a request has 64 KiB. */
const AT_ONCE = 500
/** A daemon that starts, or a message between two places, is waited for so often (ms). */
const TURNS = 20
const PAUSE = 150
const ARRIVED = 'its request was on the wire, and the receiver may have it'

/** Acts on what was skipped because it is in flight, where the act allows it. */
export async function actInFlight(
  meant: Meant,
  acted: ActResult,
  around: Surroundings,
): Promise<InFlight> {
  const flying = acted.skipped.filter(({ why }) => why === IN_FLIGHT).map(({ id }) => id)
  if (flying.length === 0 || !isRecall(meant.act)) return { result: acted, notes: NO_NOTES }
  const course = new Course(meant, around)
  for (let at = 0; at < flying.length; at += AT_ONCE)
    await course.run(flying.slice(at, at + AT_ONCE))
  const done = [...acted.done, ...course.done]
  const others = acted.skipped.filter(({ why }) => why !== IN_FLIGHT)
  const skipped = [...others, ...course.skipped]
  const result = { matched: acted.matched, done, skipped }
  const { notes, trouble, unknown } = course
  return trouble === undefined ? { result, notes } : { result, notes, trouble, unknown }
}

class Course {
  readonly #meant: Meant
  readonly #around: Surroundings
  readonly done: string[] = []
  readonly skipped: { id: string; why: string }[] = []
  readonly unknown: { id: string; why: string }[] = []
  readonly notes = new Map<string, string>()
  trouble: MsgqError | undefined

  constructor(meant: Meant, around: Surroundings) {
    this.#meant = meant
    this.#around = around
  }

  /** Goes on until of each of them something is known. */
  async run(ids: readonly string[]): Promise<void> {
    let left = [...ids]
    for (let turn = 0; left.length > 0 && turn < TURNS; turn++) {
      if (turn > 0) await sleep(PAUSE)
      if (this.trouble !== undefined) break
      const moved = await this.#recall(left)
      left = await this.#actWhereTheyAre(moved)
    }
    for (const id of left) this.skipped.push({ id, why: IN_FLIGHT })
  }

  /** Asks for them; resolves with those that were not under way any more, or moved on. */
  async #recall(ids: readonly string[]): Promise<string[]> {
    const { act, by, why: reason } = this.#meant
    const { spool } = this.#around.place
    try {
      const answer = await askDaemon(spool, 'POST', '/v1/recall', {
        act,
        by,
        ids,
        reason,
      })
      if (answer === undefined) return (await this.#alone(ids)) ? [] : [...ids]
      if (answer.status !== 200)
        throw new MsgqError('temporary', `msgqd: answers ${answer.status}`, 'see its log')
      const { recalled } = answer.body as { recalled: readonly Answer[] }
      return recalled.filter((one) => !this.#tell(one)).map(({ id }) => id)
    } catch (error) {
      if (!(error instanceof MsgqError)) throw error
      this.trouble = error
      for (const id of ids) this.unknown.push({ id, why: error.message })
      return []
    }
  }

  /** False for one that is to be looked for again. */
  #tell({ id, to, granted, mayHaveArrived }: Answer): boolean {
    const { act } = this.#meant
    if (granted && isRecall(act) && to === GRANTED[act]) {
      this.done.push(id)
      if (mayHaveArrived) this.notes.set(id, ARRIVED)
    } else if (to === 'delivered' || to === 'bounced')
      this.skipped.push({ id, why: `too late: ${to}` })
    else if (to === 'held' && act === 'hold')
      this.skipped.push({ id, why: 'too late: a rule held it' })
    else if (to === 'deleted') this.skipped.push({ id, why: 'deleted meanwhile' })
    else if (to === 'waits')
      this.skipped.push({ id, why: 'asked for, and the disk refuses: look again' })
    else return false
    return true
  }

  /** Acts on them as on any other; resolves with those that are in flight again. */
  async #actWhereTheyAre(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    this.#take(ids, await this.#act(this.#around.desk, ids))
    const left = this.skipped.filter(({ why }) => why === IN_FLIGHT).map(({ id }) => id)
    const others = this.skipped.filter(({ why }) => why !== IN_FLIGHT)
    this.skipped.splice(0, Infinity, ...others)
    return left
  }

  #act(desk: Desk, ids: readonly string[]): Promise<ActResult> {
    const { act, by, why, selector } = this.#meant
    // In flight it was meant; where it is put back to it is meant as well.
    const states = new Set<State>([...statesMeant(act, selector), 'incoming', 'deferred'])
    const reason = why === undefined ? {} : { reason: why }
    return desk.act(act, { ids, states: [...states] }, { by, ...reason })
  }

  #take(ids: readonly string[], { done, skipped }: ActResult): void {
    this.done.push(...done)
    this.skipped.push(...skipped)
    const met = new Set([...done, ...skipped.map(({ id }) => id)])
    for (const id of ids)
      if (!met.has(id))
        this.skipped.push({ id, why: 'too late: gone, delivered or deleted meanwhile' })
  }

  /** Nobody listens: has the spool for a moment. False when somebody else has it after all. */
  async #alone(ids: readonly string[]): Promise<boolean> {
    const { place } = this.#around
    const engine = await openEngine(place.spool, await this.#engineOptions())
    try {
      await engine.recover({ claims: false })
    } catch (error) {
      if (error instanceof MsgqError && error.code === 'temporary') return false
      throw error
    }
    try {
      const acted = await this.#act(engine, ids)
      // The recovery's own moves too: what is said to be done stays so over a power cut.
      await engine.sync().catch((error: unknown) => {
        throw new MsgqError('temporary', `spool: ${plainError(error)}`, undefined, error)
      })
      this.#take(ids, acted)
      return true
    } finally {
      await engine.close()
    }
  }

  /** What was in force counts, as the last daemon told: for what it was adopting, too. */
  async #engineOptions(): Promise<EngineOptions> {
    const { io, place } = this.#around
    const { misfitIn } = await import('../intake/fit.ts')
    const limits = readLimits(place.spool)
    return {
      clock: io.clock,
      anyFilesystem: place.anyFilesystem,
      mayExpire: () => false,
      ...(limits === undefined
        ? {}
        : {
            messageSizeLimit: limits.messageSizeLimit,
            misfit: (draft, body) => misfitIn(draft, body, limits),
          }),
      report: ({ level, message }) => {
        if (level === 'error') io.warn(message)
      },
    }
  }
}

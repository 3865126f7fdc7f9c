/**
 * parking - moves away from incoming/ what cannot go now, or is too much to stand there.
 *
 * To deferred/, where a look need not read it again; to hold/ where its sender says so. What of
 * a lane goes out soon stays: to move it first would cost as much again. A slice at a time, so
 * that a flood does not stop deliveries. A cache of what the last looks found.
 */
import { isMissing } from '../../base/errno.ts'
import { LOOSE } from '../../message/chain.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import { queuedLine } from '../journal.ts'
import { holdsAtDoor, notBeforeOf } from '../states.ts'
import type { Agenda } from './agenda.ts'
import type { ClaimTable } from './claims.ts'
import type { JudgeDeps } from './judge.ts'
import { formatName, parseName } from './name.ts'
import { Unsealed, readEnvelope, readMessage } from './read.ts'
import { tellHold } from './tell.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** So many may wait in incoming/ for lanes that stand still; from twice that on the rest goes. */
const DOORSTEP = 100
/** The same for all lanes. */
const CROWD = 20_000
/** A lane stands still that gave nothing out for so long, and is counted so often (ms). */
const STILL = 1_000
const COUNT_EVERY = 100
/** Moved in one go; then it rests so many times as long, while others go out and while none do. */
const AT_ONCE = 64
const REST = { busy: 16, idle: 1 } as const
/** Others go out while one did so recently (ms). */
const RECENTLY = 100
/** So many are remembered to be moved; the next look finds the others. */
const MOST_PARKING = 100_000

interface Deps extends JudgeDeps {
  readonly agenda: Agenda
  readonly claims: ClaimTable
  /** A file that turns out to be made by hand. */
  readonly letRest: (file: string) => void
}

interface Place {
  readonly to: 'deferred' | 'hold'
  /** Absent for a message that cannot be read. */
  readonly envelope?: Envelope
}

export class Parking {
  readonly #deps: Deps
  /** Not due, or beyond what the agenda keeps. */
  #waiting: Waiting[] = []
  /** Due, and too many to stand there; perhaps gone by the time. */
  #excess: Waiting[] = []
  #countAt = -Infinity
  /** When the last slice was given out, and when the next one may be. */
  #slicedAt: number | undefined
  #restUntil = -Infinity

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A new look at incoming/ begins: it finds again what is not due. */
  begin(): void {
    this.#waiting = []
  }

  /** A message that cannot go now. */
  add(waiting: Waiting): void {
    if (this.#waiting.length < MOST_PARKING) this.#waiting.push(waiting)
  }

  /** When there is something to move though nothing rings (epoch ms). */
  get nextLook(): number | undefined {
    if (this.#waiting.length + this.#excess.length === 0) return undefined
    const { clock } = this.#deps
    return clock.now() + Math.max(0, this.#restUntil - clock.monotonic())
  }

  /** The next slice of what is to be moved; whoever takes it says when it is `done`. */
  next(): Waiting[] {
    const now = this.#deps.clock.monotonic()
    if (now < this.#restUntil) return []
    if (this.#excess.length === 0) this.#excess = this.#tooMany()
    this.#slicedAt = now
    const slice = this.#waiting.splice(0, AT_ONCE)
    return slice.length > 0 ? slice : this.#excess.splice(0, AT_ONCE)
  }

  /** The last slice was moved. */
  done(): void {
    const { agenda, clock } = this.#deps
    if (this.#slicedAt === undefined) return
    const now = clock.monotonic()
    const isBusy = clock.now() - agenda.takenAt < RECENTLY
    const rest = (now - this.#slicedAt) * (isBusy ? REST.busy : REST.idle)
    this.#restUntil = now + rest
    this.#slicedAt = undefined
  }

  /** incoming -> deferred for what cannot go now, or hold where its sender says so. */
  park(waiting: Waiting): void {
    const { mover, agenda, clock, gate } = this.#deps
    const { id, file } = waiting
    const place = this.#placeOf(waiting)
    const known = agenda.get(id)
    if (known?.state === 'incoming' && known.file === file) agenda.forget(id)
    if (place === undefined) {
      if (gate.has(id)) agenda.leaves(waiting)
      return
    }
    const { to, envelope } = place
    if (envelope !== undefined) this.#noteQueued(envelope, file)
    if (to === 'hold') tellHold(this.#deps, clock.now(), 'incoming', file)
    const parked = mover.move('incoming', file, to, this.#nameOf(waiting, place))
    if (parked !== undefined && to === 'deferred') agenda.add(waitingIn(to, parked)!)
  }

  /** What has a time of its own goes out then, and holds back nothing until then. */
  #nameOf(waiting: Waiting, { envelope }: Place): string {
    const { file, lane, due, chain } = waiting
    const isOrdered = chain !== undefined || this.#deps.agenda.isWhole(lane)
    if (!isOrdered || chain === LOOSE || envelope === undefined) return file
    const isScheduled = notBeforeOf(envelope) === due && due > this.#deps.clock.now()
    return isScheduled ? formatName({ ...parseName(file)!, chain: LOOSE }) : file
  }

  #noteQueued(envelope: Envelope, file: string): void {
    const { note, clock } = this.#deps
    const name = parseName(file)
    const queued = name && queuedLine(envelope, name, clock.now())
    if (queued !== undefined) note(queued)
  }

  /** Where a message belongs that cannot go now; undefined: it stays, or is gone. */
  #placeOf(waiting: Waiting): Place | undefined {
    const { layout, claims, gate } = this.#deps
    const { id, file } = waiting
    const path = layout.file('incoming', file)
    try {
      const head = readEnvelope(path)
      if (head.hold !== true && head.key === undefined)
        return { to: 'deferred', envelope: head }
      const { envelope, trail } = readMessage(path)
      if (!gate.passes(envelope, trail)) {
        gate.ask(waiting)
        return undefined
      }
      return { to: holdsAtDoor(envelope, trail) ? 'hold' : 'deferred', envelope }
    } catch (error) {
      if (isMissing(error)) return undefined
      if (error instanceof Unsealed) this.#deps.letRest(file)
      else if (error instanceof NewerFormatError) claims.judge.leaveAlone(id, error)
      // Whatever else is wrong with it is found, and said, when it is claimed.
      else return { to: 'deferred' }
      return undefined
    }
  }

  /**
   * What of lanes that stand still is more than a look should have to read, and of all of them
   * more than a crowd. What moves goes soon, and to move it first would cost as much again.
   */
  #tooMany(): Waiting[] {
    const { agenda, clock } = this.#deps
    const now = clock.monotonic()
    if (agenda.incoming <= 2 * DOORSTEP || now < this.#countAt) return []
    this.#countAt = now + COUNT_EVERY
    if (agenda.incoming > 2 * CROWD) return agenda.excess(CROWD)
    const still = agenda.excess(DOORSTEP, clock.now() - STILL)
    return still.length > DOORSTEP ? still : []
  }
}

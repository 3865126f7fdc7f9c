/**
 * judge - claims a file, and decides what it turns out to be before anybody above sees it.
 *
 * A message; disproved, and put aside; made by hand or by another user, and to be adopted; of a
 * later msgq, and left alone; unreadable now, and to be tried again. What the disk keeps us from
 * moving on stays known here, and goes back later.
 */
import { lstatSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { LOOSE, chainOf } from '../../message/chain.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import { laneOf } from '../../message/lane.ts'
import type { State } from '../../message/state.ts'
import { queuedLine } from '../journal.ts'
import type { Report } from '../queue.ts'
import { holdsAtDoor } from '../states.ts'
import { adoptName } from './adopt.ts'
import { putAside } from './aside.ts'
import { REST } from './doorstep.ts'
import type { KeyGate } from './key-gate.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { claimedName, formatName, parseName, triesIn, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Defect, Unsealed, readMessage } from './read.ts'
import type { MessageFile } from './read.ts'
import { tellHold } from './tell.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** A file that cannot be read now is tried again so much later (ms). */
const FAULT_PAUSE = 60_000

/** What a waiting file turned out to be. */
export type Judged =
  | { readonly kind: 'message'; readonly active: string; readonly file: MessageFile }
  /** Somebody moved it first; or it is in corrupt/ or hold/ now; or it is left alone. */
  | { readonly kind: 'nothing' }
  /** Cannot be read now: it is in deferred/ and comes again. */
  | { readonly kind: 'waits'; readonly waiting: Waiting }
  /** Made by hand, or not all there yet: it is back in incoming/, to rest. */
  | { readonly kind: 'unsealed'; readonly file: string }
  /** Sealed by another user: its name in active/ says that it is to be adopted. */
  | { readonly kind: 'foreign'; readonly name: Name }
  /** Has a key that is not known to be its own: it is back where it was, to be decided on. */
  | { readonly kind: 'asked'; readonly waiting: Waiting }

const NOTHING = { kind: 'nothing' } as const

export interface JudgeDeps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly report: (report: Report) => void
  /** Adds a line to the journal. */
  readonly note: (line: JournalLine) => void
  readonly gate: KeyGate
}

export class Judge {
  readonly #deps: JudgeDeps
  /** Claimed, and then neither judged nor moved on: the disk refused. */
  #strays: { active: string; waiting: Waiting }[] = []
  /** Messages of a later msgq: left alone for as long as we live. */
  readonly newer = new Set<string>()

  constructor(deps: JudgeDeps) {
    this.#deps = deps
  }

  /** Claims a waiting file under a token. Throws when it cannot be moved; it stays known. */
  claim(waiting: Waiting, token: string): Judged {
    const { state, file } = waiting
    const active = claimedName(file, token)
    if (!this.#deps.mover.claim(state, file, active)) return NOTHING
    try {
      return this.#judge(waiting, active)
    } catch (error) {
      this.#strays.push({ active, waiting })
      throw error
    }
  }

  /** Tries to put back what could not be moved on; what waits again. */
  returnStrays(): Waiting[] {
    const back: Waiting[] = []
    if (this.#strays.length === 0) return back
    this.#strays = this.#strays.filter(({ active, waiting: { state, file } }) => {
      try {
        const now = this.#deps.mover.move('active', active, state, file)
        if (now !== undefined) back.push(waitingIn(state, now)!)
        return false
      } catch {
        return true
      }
    })
    return back
  }

  /** True for one that is known here alone. */
  isStray(id: string): boolean {
    return this.#strays.some(({ waiting }) => waiting.id === id)
  }

  /** A message of a later msgq stays where it is, unjudged, and is named once. */
  leaveAlone(id: string, { message }: NewerFormatError): void {
    this.newer.add(id)
    this.#deps.report({ level: 'error', event: 'newer', id, message })
  }

  #judge(waiting: Waiting, active: string): Judged {
    const { layout, clock } = this.#deps
    let file
    try {
      file = readMessage(layout.file('active', active))
    } catch (error) {
      return this.#cannotRead(waiting, active, error)
    }
    if (file.uid !== process.geteuid!()) return this.#guest(active)
    const contradiction = disagreement(waiting, file)
    if (contradiction !== undefined) return this.#disproved(active, contradiction)
    if (!this.#deps.gate.passes(file.envelope, file.trail))
      return this.#asked(waiting, active)
    if (!holdsAtDoor(file.envelope, file.trail)) return { kind: 'message', active, file }
    const entry = { ...waiting, tries: triesIn(active) }
    const queued = queuedLine(file.envelope, entry, clock.now())
    if (queued !== undefined) this.#deps.note(queued)
    tellHold(this.#deps, clock.now(), 'active', active)
    this.#leave(active, 'hold')
    return NOTHING
  }

  #cannotRead(waiting: Waiting, active: string, error: unknown): Judged {
    if (isMissing(error)) return NOTHING
    if (error instanceof Unsealed || this.#mayGrow(active, error)) {
      const file = this.#leave(active, 'incoming')
      return file === undefined ? NOTHING : { kind: 'unsealed', file }
    }
    if (error instanceof Defect) return this.#disproved(active, error.message)
    if (error instanceof NewerFormatError) {
      this.#leave(active, waiting.state)
      this.leaveAlone(waiting.id, error)
      return NOTHING
    }
    return this.#comeAgain(waiting, active, error)
  }

  #asked({ state }: Waiting, active: string): Judged {
    const file = this.#leave(active, state)
    return file === undefined
      ? NOTHING
      : { kind: 'asked', waiting: waitingIn(state, file)! }
  }

  #disproved(active: string, why: string): Judged {
    putAside(this.#deps, 'active', active, why)
    return NOTHING
  }

  #guest(active: string): Judged {
    const { mover, clock } = this.#deps
    const { id, claim } = parseName(active)!
    const fixed = adoptName(id, clock.now(), claim!)
    const renamed = mover.rename('active', active, formatName(fixed))
    return renamed ? { kind: 'foreign', name: fixed } : NOTHING
  }

  /** A fault of the machine proves nothing against the message: it waits, uncharged. */
  #comeAgain({ id }: Waiting, active: string, error: unknown): Judged {
    const { clock, report } = this.#deps
    const file = this.#leave(active, 'deferred', clock.now() + FAULT_PAUSE)
    const message = `cannot be read: ${plainError(error)}; tried again in a minute`
    report({ level: 'error', event: 'unreadable', id, message })
    if (file === undefined) return NOTHING
    return { kind: 'waits', waiting: waitingIn('deferred', file)! }
  }

  /** A file that is cut short, and was written to a moment ago: a copy under way. */
  #mayGrow(active: string, error: unknown): boolean {
    if (!(error instanceof Defect && error.cut)) return false
    const { layout, clock } = this.#deps
    const { mtimeMs } = lstatSync(layout.file('active', active))
    return Math.abs(clock.now() - mtimeMs) < REST
  }

  #leave(active: string, to: State, due?: number): string | undefined {
    const name = unclaimed(parseName(active)!)
    const target = formatName(due === undefined ? name : { ...name, due })
    return this.#deps.mover.move('active', active, to, target)
  }
}

/** How a name contradicts its own envelope; the envelope of our own files decides nothing. */
export function disagreement(
  name: Pick<Name, 'id' | 'lane' | 'chain'>,
  file: MessageFile,
): string | undefined {
  const { id, to, order } = file.envelope
  if (id !== name.id) return `its name says ${name.id}, its envelope ${id}`
  const lane = laneOf(to)
  if (lane !== name.lane) return `its name says ${name.lane}, its envelope ${lane}`
  // A name may say less: that it goes out in no order.
  if (name.chain === undefined || name.chain === LOOSE) return undefined
  if (order === undefined) return `its name says ~${name.chain}, its envelope no order`
  const chain = chainOf(order)
  return chain === name.chain
    ? undefined
    : `its name says ~${name.chain}, its envelope ~${chain}`
}

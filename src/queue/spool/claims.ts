/**
 * claims - what the daemon has in its hands: one file in active/ per lease.
 *
 * A claim is a rename into active/ under a name that ends in the lease's token; to settle is to
 * rename that exact name, so that a stale token finds nothing. What a claimed file turns out to
 * be (disproved, made by hand, of a later msgq, unreadable) is decided here, before anybody
 * above sees it.
 */
import { randomBytes } from 'node:crypto'

import type { Clock } from '../../base/clock.ts'
import { appendLine } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import type { Body } from '../../message/body.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import { laneOf } from '../../message/lane.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'
import type { Lease, Report, Settlement } from '../queue.ts'
import { holdsAtDoor, planSettlement } from '../states.ts'
import type { Waiting } from './agenda.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Defect, Unsealed, bodyOf, readMessage } from './read.ts'
import type { MessageFile } from './read.ts'

/** A file that cannot be read now is tried again so much later (ms). */
const FAULT_PAUSE = 60_000

interface Held {
  readonly lease: Lease
  readonly name: Name
  readonly file: MessageFile
}

/** What became of a claim that is no lease; 'gone' when the file was not there any more. */
export type Unclaimed =
  | { readonly kind: 'gone' | 'put-aside' }
  | { readonly kind: 'waits'; readonly waiting: Waiting }
  | { readonly kind: 'unsealed' | 'foreign'; readonly name: Name }

export class ClaimTable {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #clock: Clock
  readonly #report: (report: Report) => void
  readonly #held = new Map<string, Held>()
  /** Messages of a later msgq: left alone for as long as we live. */
  readonly newer = new Set<string>()
  readonly #session = randomBytes(3).toString('hex')
  #count = 0

  constructor(
    layout: Layout,
    mover: Mover,
    clock: Clock,
    report: (report: Report) => void,
  ) {
    this.#layout = layout
    this.#mover = mover
    this.#clock = clock
    this.#report = report
  }

  has(id: string): boolean {
    return this.#held.has(id)
  }

  /** A token that no other claim of this or of any other daemon has. */
  nextToken(): string {
    return `${this.#session}${(++this.#count).toString(36)}`
  }

  /** Claims one waiting message. */
  claim(waiting: Waiting): Lease | Unclaimed {
    const name = parseName(waiting.file)
    if (name === undefined) return { kind: 'gone' }
    const claimed: Name = { ...name, claim: this.nextToken() }
    const active = formatName(claimed)
    if (!this.#mover.move(waiting.state, waiting.file, 'active', active))
      return { kind: 'gone' }
    try {
      const file = readMessage(this.#layout.file('active', active))
      if (file.links > 1) this.#mover.dropLink(waiting.state, waiting.file, file.inode)
      if (file.uid !== process.geteuid!()) return { kind: 'foreign', name: claimed }
      const defect = disagreement(claimed, file)
      if (defect !== undefined) throw new Defect(defect)
      return this.#lease(claimed, file)
    } catch (error) {
      return this.#cannotRead(waiting, claimed, error)
    }
  }

  #lease(name: Name, file: MessageFile): Lease | Unclaimed {
    const { envelope, trail } = file
    if (holdsAtDoor(envelope, trail)) {
      const line = { at: this.#now(), act: 'held', reason: 'its sender said hold' } as const
      this.#write(formatName(name), line)
      this.#mover.move('active', formatName(name), 'hold', formatName(unclaimed(name)))
      return { kind: 'put-aside' }
    }
    const { id, lane, tries, due } = name
    const lease = { id, token: name.claim!, lane, tries, due, envelope, trail }
    this.#held.set(id, { lease, name, file })
    return lease
  }

  /** Ends a lease: 'lost' when it was not ours. The name it now has in deferred/, if there. */
  settle(lease: Lease, settlement: Settlement): 'lost' | { waiting?: Waiting } {
    const held = this.#held.get(lease.id)
    if (held?.lease.token !== lease.token) return 'lost'
    const { name } = held
    const active = formatName(name)
    const plan = planSettlement(
      { id: name.id, state: 'active', lane: name.lane, due: name.due, tries: name.tries },
      settlement,
      this.#clock.now(),
    )
    if (plan.to === 'gone') {
      const removed = this.#mover.remove('active', active)
      this.#held.delete(lease.id)
      return removed ? {} : 'lost'
    }
    // The line first: were the order turned, an operator could move the file in between.
    if (plan.line !== undefined) this.#write(active, plan.line)
    const next = { ...unclaimed(name), due: plan.due, tries: plan.tries }
    const file = formatName(next)
    const moved = this.#mover.move('active', active, plan.to, file)
    this.#held.delete(lease.id)
    if (!moved) return 'lost'
    if (plan.to !== 'deferred' && plan.to !== 'incoming') return {}
    return {
      waiting: { state: plan.to, file, id: next.id, lane: next.lane, due: next.due },
    }
  }

  /** The proven body of a lease; undefined when it disproved itself and went to corrupt/. */
  async body(lease: Lease): Promise<Body | undefined> {
    const held = this.#held.get(lease.id)
    if (held?.lease.token !== lease.token)
      throw new Error('bug: body of a lease that is over')
    const active = formatName(held.name)
    try {
      return await bodyOf(this.#layout.file('active', active), held.file)
    } catch (error) {
      if (!(error instanceof Defect)) throw error
      this.#held.delete(lease.id)
      this.putAside(held.name, error.message)
      return undefined
    }
  }

  /** Moves a file from active/ to corrupt/ with the reason behind its last byte. */
  putAside(name: Name, reason: string): void {
    const active = formatName(name)
    const line = formatTrailLine({ at: this.#now(), act: 'corrupt', reason })
    try {
      appendLine(this.#layout.file('active', active), line)
    } catch {
      // A link or a folder takes no line, and the reason is in the log as well.
    }
    this.#mover.move('active', active, 'corrupt', formatName(unclaimed(name)))
    this.#report({
      level: 'error',
      event: 'corrupt',
      id: name.id,
      message: `put into corrupt/: ${reason}`,
    })
  }

  #cannotRead(waiting: Waiting, name: Name, error: unknown): Unclaimed {
    const active = formatName(name)
    if (error instanceof Unsealed) return { kind: 'unsealed', name }
    if (error instanceof Defect) {
      this.putAside(name, error.message)
      return { kind: 'put-aside' }
    }
    if (isMissing(error)) return { kind: 'gone' }
    if (error instanceof NewerFormatError) {
      this.newer.add(name.id)
      this.#mover.move('active', active, waiting.state, waiting.file)
      this.#report({ level: 'error', event: 'newer', id: name.id, message: error.message })
      return { kind: 'put-aside' }
    }
    // A fault of the machine proves nothing against the message: it waits, uncharged.
    const due = this.#clock.now() + FAULT_PAUSE
    const file = formatName({ ...unclaimed(name), due })
    this.#mover.move('active', active, 'deferred', file)
    this.#report({
      level: 'error',
      event: 'unreadable',
      id: name.id,
      message: `cannot be read: ${plainError(error)}; tried again in a minute`,
    })
    return { kind: 'waits', waiting: { ...waiting, state: 'deferred', file, due } }
  }

  #write(active: string, line: TrailLine): void {
    try {
      appendLine(this.#layout.file('active', active), formatTrailLine(line))
    } catch (error) {
      // The name is the truth and the trail is the story: a full disk never stops a move.
      if (isMissing(error)) return
      this.#report({
        level: 'warn',
        event: 'trouble',
        message: `trail of ${active}: ${plainError(error)}`,
      })
    }
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }
}

/** How a name contradicts its own envelope; the envelope of our own files decides nothing. */
function disagreement(name: Name, file: MessageFile): string | undefined {
  const { id, to } = file.envelope
  if (id !== name.id) return `its name says ${name.id}, its envelope ${id}`
  const lane = laneOf(to)
  return lane === name.lane ? undefined : `its name says ${name.lane}, its envelope ${lane}`
}

/**
 * claims - what the daemon has in its hands: one file in active/ per lease.
 *
 * A claim is a rename into active/ under a name that ends in the lease's token; to settle is to
 * rename that exact name, so that a stale token finds nothing. A lease that the disk does not
 * let us settle stands, and can be settled again.
 */
import { randomBytes } from 'node:crypto'

import { appendDurably } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import { bytesOf } from '../../message/body.ts'
import type { Body } from '../../message/body.ts'
import { LOOSE } from '../../message/chain.ts'
import { isKeyed } from '../../message/key.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { ActLine } from '../../message/trail.ts'
import type { Offspring } from '../fan-out.ts'
import { expandedLine, queuedLine } from '../journal.ts'
import type { Lease, Settlement } from '../queue.ts'
import { planSettlement } from '../states.ts'
import { putAside } from './aside.ts'
import { expand } from './fan.ts'
import type { Fanned } from './fan.ts'
import { Judge } from './judge.ts'
import type { JudgeDeps, Judged } from './judge.ts'
import { formatName, parseName, triesIn, unclaimed } from './name.ts'
import { Pace } from './pace.ts'
import { Defect, bodyOf } from './read.ts'
import type { MessageFile } from './read.ts'
import { tell } from './tell.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

interface Held extends Fanned {
  readonly file: MessageFile
  /** Its outcome stands in the trail already; only the move failed. */
  told?: boolean
}

/** A lease, or what became of a claim that is none. */
export type Claimed =
  | { readonly kind: 'lease'; readonly lease: Lease }
  | Exclude<Judged, { readonly kind: 'message' }>

export class ClaimTable {
  readonly judge: Judge
  readonly #deps: JudgeDeps
  readonly #held = new Map<string, Held>()
  readonly #pace = new Pace()
  readonly #session = randomBytes(3).toString('hex')
  #count = 0

  constructor(deps: JudgeDeps) {
    this.#deps = deps
    this.judge = new Judge(deps)
  }

  /** True for what is leased, and for what is left alone: neither waits. */
  has(id: string): boolean {
    return this.#held.has(id) || this.judge.newer.has(id)
  }

  /** True for what was claimed, and neither settled nor moved on. */
  isOut(id: string): boolean {
    return this.#held.has(id) || this.judge.isStray(id)
  }

  /** What of a lane is leased. */
  outIn(lane: string): Lease[] {
    const leases = [...this.#held.values()].map((held) => held.lease)
    return leases.filter((lease) => lease.lane === lane)
  }

  /** A token that no other claim of this or of any other daemon has. */
  nextToken(): string {
    return `${this.#session}${(++this.#count).toString(36)}`
  }

  /** Claims one waiting message. Throws when the disk refuses; the message stays known. */
  claim(waiting: Waiting): Claimed {
    const token = this.nextToken()
    const judged = this.judge.claim(waiting, token)
    if (judged.kind !== 'message') return judged
    const { active, file } = judged
    const { envelope, trail } = file
    const { id, lane, due, chain } = waiting
    const plain = { id, token, lane, tries: triesIn(active), due, envelope, trail }
    const lease = chain === undefined ? plain : { ...plain, chain }
    this.#held.set(id, { lease, active, file })
    if (waiting.state === 'incoming') {
      const queued = queuedLine(envelope, lease, this.#deps.clock.now(), trail)
      if (queued !== undefined) this.#deps.note(queued)
    }
    return { kind: 'lease', lease }
  }

  /**
   * Ends a lease: 'lost' when it was not ours. Where the message waits now, if it does, and
   * what an event became.
   */
  async settle(
    lease: Lease,
    settlement: Settlement,
  ): Promise<'lost' | { waiting?: Waiting; children?: readonly Offspring[] }> {
    const { mover, clock, gate } = this.#deps
    const held = this.#held.get(lease.id)
    if (held?.lease.token !== lease.token || held.fanning) return 'lost'
    if (settlement.to === 'expanded' && settlement.destinations.length > 0)
      return this.#expand(held, settlement.destinations)
    const { id, lane, due, tries } = lease
    const { active } = held
    const entry = { id, state: 'active', lane, due, tries } as const
    const plan = planSettlement(entry, settlement, clock.now())
    if (plan.to === 'gone') {
      const { envelope } = lease
      if (isKeyed(envelope)) {
        // Of a deleted one the key goes first, durably: its sender may send again.
        if (settlement.to !== 'deleted') gate.book.keep(envelope, clock.now())
        else {
          gate.book.remove(envelope)
          await gate.book.sync()
        }
      }
      const removed = await this.#remove(active)
      this.#held.delete(id)
      return removed ? {} : 'lost'
    }
    // The line first: were the order turned, an operator could move the file in between.
    if (plan.line !== undefined && !held.told) tell(this.#deps, 'active', active, plan.line)
    held.told = true
    const name = unclaimed(parseName(active)!)
    const loose = plan.passed === true ? { chain: LOOSE } : undefined
    const next = formatName({ ...name, due: plan.due, tries: plan.tries, ...loose })
    const file = mover.move('active', active, plan.to, next)
    this.#held.delete(id)
    if (file === undefined) return 'lost'
    if (plan.to !== 'deferred' && plan.to !== 'incoming') return {}
    return { waiting: waitingIn(plan.to, file)! }
  }

  async #expand(
    held: Held,
    destinations: readonly string[],
  ): Promise<'lost' | { children: readonly Offspring[] }> {
    const { clock, gate, note } = this.#deps
    const { lease } = held
    const children = await expand(this.#deps, held, destinations, async () => {
      const body = await this.body(lease)
      return body && bytesOf(body)
    })
    this.#held.delete(lease.id)
    if (children === undefined) return 'lost'
    const { envelope } = lease
    if (isKeyed(envelope)) gate.book.keep(envelope, clock.now())
    const ids = children.map(({ entry }) => entry.id)
    note(expandedLine(lease, ids, clock.now(), envelope.event))
    return { children }
  }

  /** Nothing waits for the end of this one call, and some disks take long for it (discard). */
  #remove(active: string): boolean | Promise<boolean> {
    const { mover, clock } = this.#deps
    if (!this.#pace.isQuick()) return mover.removeAside('active', active)
    const began = clock.monotonic()
    const removed = mover.remove('active', active)
    this.#pace.took(clock.monotonic() - began)
    return removed
  }

  /** Adds a line to the trail, durably; 'lost' when the lease was not ours any more. */
  async record(lease: Lease, line: ActLine): Promise<'ok' | 'lost'> {
    const held = this.#held.get(lease.id)
    if (held?.lease.token !== lease.token) return 'lost'
    try {
      const path = this.#deps.layout.file('active', held.active)
      await appendDurably(path, formatTrailLine(line))
      return 'ok'
    } catch (error) {
      if (isMissing(error)) return 'lost'
      throw error
    }
  }

  /** The proven body; undefined when it disproved itself, or when the lease is lost. */
  async body(lease: Lease): Promise<Body | undefined> {
    const held = this.#held.get(lease.id)
    if (held?.lease.token !== lease.token) return undefined
    const { active, file } = held
    try {
      return await bodyOf(this.#deps.layout.file('active', active), file)
    } catch (error) {
      if (!(error instanceof Defect) && !isMissing(error)) throw error
      // First of all: where the disk refuses, the lease stands.
      if (error instanceof Defect) putAside(this.#deps, 'active', active, error.message)
      this.#held.delete(lease.id)
      return undefined
    }
  }
}

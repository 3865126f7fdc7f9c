/**
 * notices - tells of messages that bounced, or still wait, a lane at a time.
 *
 * Found by looking at all messages of a state, never by being told: so what happened while the
 * daemon was down is found too. Order of a notice: 1. the ledger says which one is being made,
 * durably; 2. the messages that tell it are placed, durably; 3. the ledger says that it was told.
 * Who dies after 1 or 2 finds the entry, asks whether the message is in the queue or was in the
 * journal, and goes on. A notice tells of no notice. What cannot be done is said once and tried
 * again at the next pass.
 */
import type { Clock } from '../base/clock.ts'
import { atText } from '../message/journal-line.ts'
import { laneOf } from '../message/lane.ts'
import { shownTo } from '../message/mask.ts'
import type { Journal, Rounds } from '../queue/queue.ts'
import {
  formatLedger,
  isDue,
  lookedThrough,
  markOf,
  marked,
  notBeyond,
  parseLedger,
} from './ledger.ts'
import type { Ledger, Making, Pace } from './ledger.ts'
import { Kept } from './kept.ts'
import type { Log } from './log.ts'
import { wordTidings } from './notice.ts'
import type { Tidings } from './notice.ts'
import { tellAll, toldText } from './telling.ts'
import type { TellOptions } from './telling.ts'
import { FIRST, gather } from './tidings.ts'
import type { Telling } from './tidings.ts'
import { Trouble } from './trouble.ts'
import { findUntold } from './untold.ts'
import type { Search, Untold } from './untold.ts'

/** What is told of, and when. */
export interface Subject extends Pick<Search, 'states' | 'timeOf'> {
  readonly kind: Tidings['kind']
  /** With `final` it is the last look for now. */
  readonly rule: (final?: boolean) => Pace & {
    /** Who hears of it: nobody, and nothing is looked at. */
    readonly to: readonly string[]
    /** Only of what happened up to then (epoch ms), and what could have by now. */
    readonly upTo: number
    readonly reached: number
  }
  /** Where a ledger begins that nobody kept. */
  readonly floor: () => number
}

export interface NoticeOptions extends TellOptions {
  readonly rounds: Rounds
  readonly journal: Pick<Journal, 'note'>
  readonly clock: Clock
  readonly log: Log
  readonly ids: () => string
}

export class Notices {
  readonly #subject: Subject
  readonly #options: NoticeOptions
  readonly #kept: Kept
  readonly #trouble: Trouble
  #ledger: Ledger | undefined
  /** The state as it was when the last look found nothing that is still to be told. */
  #stamp: string | undefined
  #floor: number | undefined

  constructor(subject: Subject, options: NoticeOptions) {
    this.#subject = subject
    this.#options = options
    const { kind } = subject
    this.#kept = new Kept(options.rounds, kind)
    const text = (why: string) => `notices (${kind}): ${why}; tried again`
    this.#trouble = new Trouble(options.log, text)
  }

  /** True for what nobody has to be told of any more. */
  isTold(lane: string, at: number): boolean {
    if (this.#subject.rule().to.length === 0) return true
    return this.#ledger !== undefined && at <= markOf(this.#ledger, lane)
  }

  /** Fixes from where on it tells, before anything can happen that is to be told. */
  async begin(): Promise<void> {
    if (this.#subject.rule().to.length === 0) return
    await this.#trouble.tried(async () => {
      this.#ledger = await this.#open()
    })
  }

  /** Looks, and tells what is due; with `final` what would still wait for more is due too. */
  async pass(final = false): Promise<number> {
    return (await this.#trouble.tried(() => this.#pass(final))) ?? 0
  }

  /** Keeps what is known, so that the next start need not look as far back. */
  async close(): Promise<void> {
    if (this.#ledger !== undefined) await this.#keep(this.#ledger).catch(() => {})
  }

  async #pass(final: boolean): Promise<number> {
    const { states, timeOf, rule } = this.#subject
    const { rounds, clock } = this.#options
    const { to, upTo, reached, ...pace } = rule(final)
    if (to.length === 0) return 0
    const ledger = notBeyond(await this.#open(), clock.now(), upTo)
    this.#ledger = ledger
    const stamp = states.length === 1 ? rounds.stamp(states[0]!) : undefined
    if (stamp !== undefined && stamp === this.#stamp) return 0
    const search = { states, timeOf, ledger, upTo, to, now: clock.now() }
    const { lanes, isRipe } = await findUntold(rounds, search)
    const now = clock.now()
    let made = 0
    const later = new Set<string>()
    for (const lane of new Set([...lanes.keys(), ...makingIn(ledger)])) {
      const mark = this.#ledger.lanes.get(lane)
      const untold = lanes.get(lane)
      const hurry = final && mark?.toldAt === undefined ? { ...pace, wait: 0 } : pace
      const isMeant =
        mark?.making !== undefined ||
        (untold !== undefined && isDue(mark, untold, { now, reached }, hurry))
      if (isMeant) made += await this.#tell(lane, untold, upTo, to)
      else later.add(lane)
    }
    const keepTold = (toldAt: number) => now - toldAt < pace.every
    this.#ledger = lookedThrough(this.#ledger, upTo, later, keepTold)
    // What waits for more of its lane is looked at again, whatever else happens.
    this.#stamp = isRipe && lanes.size === 0 ? stamp : undefined
    return made
  }

  async #open(): Promise<Ledger> {
    if (this.#ledger !== undefined) return this.#ledger
    // Of the first look, also where the disk refuses to tell or to keep it: what bounces
    // meanwhile is told.
    this.#floor ??= this.#subject.floor()
    const kept = parseLedger(await this.#kept.read())
    if (kept !== undefined) return kept
    const ledger = { floor: this.#floor, lanes: new Map() }
    // From now on it counts from here, whatever happens next.
    await this.#keep(ledger)
    return ledger
  }

  /** Tells of one lane; 1 where a notice was made. */
  async #tell(
    lane: string,
    untold: Untold | undefined,
    upTo: number,
    to: readonly string[],
  ): Promise<number> {
    const { clock, ids, log, sender } = this.#options
    const { kind } = this.#subject
    const ledger = this.#ledger!
    const known = ledger.lanes.get(lane)?.making
    const making: Making = known ?? { seed: ids(), upTo }
    const host = sender.host ?? 'this host'
    const about = { kind, lane, now: clock.now(), host }
    const { told, tidings } = await gather(untold, making.upTo, about)
    const done = (more: { toldAt?: number }) =>
      this.#keep(marked(this.#ledger!, lane, { upTo: making.upTo, ...more }))
    if (known === undefined) {
      // Notices alone, or all of them requeued meanwhile.
      if (tidings === undefined) {
        await done({})
        return 0
      }
      const upToNow = markOf(ledger, lane)
      await this.#keep(marked(ledger, lane, { upTo: upToNow, making }))
    }
    if (tidings === undefined) {
      await done({ toldAt: clock.now() })
      return 0
    }
    const tale = {
      seed: making.seed,
      kind,
      wording: wordTidings(tidings),
      to,
      parent: told[0]!.met.entry.id,
      isInDoubt: known !== undefined,
    }
    const made = await tellAll(tale, this.#options)
    const now = clock.now()
    const reason = `told ${toldText(made)}`
    const [[whom, as] = ['', '']] = made
    await this.#witness(told, { as, reason, now, isInDoubt: tale.isInDoubt })
    await done({ toldAt: now })
    const fields = {
      event: 'notice',
      kind,
      lane,
      count: tidings.count,
      id: as,
      to: shownTo(whom),
    }
    log.write('info', fields, `${tale.wording.subject}; ${reason}`)
    if (to.some((each) => laneOf(each) === lane))
      log.write(
        'warn',
        { event: 'notice', kind, lane },
        `${lane} is told of its own trouble, and may not hear it: name another one in [bounce] notify as well`,
      )
    return 1
  }

  /** Says of each message that somebody was told; a courtesy: the ledger is what counts. */
  async #witness(
    told: readonly Telling[],
    { as, reason, now, isInDoubt }: Witness,
  ): Promise<void> {
    const line = { at: new Date(now).toISOString(), act: 'noticed', as, reason } as const
    for (const { met, isLinked } of told.slice(0, FIRST))
      if (!(isInDoubt && isLinked)) await met.tell(line).catch(() => false)
    for (const { met } of told) {
      const { id, lane } = met.entry
      const note = { at: atText(now), event: 'noticed', id, lane, as, reason } as const
      this.#options.journal.note(note)
    }
  }

  async #keep(ledger: Ledger): Promise<void> {
    await this.#kept.write(formatLedger(ledger))
    this.#ledger = ledger
  }
}

/** That somebody was told, as which message. */
interface Witness {
  readonly as: string
  readonly reason: string
  readonly now: number
  /** It may have been said before. */
  readonly isInDoubt: boolean
}

function makingIn({ lanes }: Ledger): string[] {
  return [...lanes].flatMap(([lane, { making }]) => (making === undefined ? [] : lane))
}

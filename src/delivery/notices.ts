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
import { plainError } from '../base/errno.ts'
import { atText } from '../message/journal-line.ts'
import { laneOf } from '../message/lane.ts'
import type { State } from '../message/state.ts'
import type { Journal, Rounds, Sighting } from '../queue/queue.ts'
import {
  formatLedger,
  isDue,
  lookedThrough,
  markOf,
  marked,
  notBeyond,
  parseLedger,
} from './ledger.ts'
import type { Group, Ledger, Making, Pace } from './ledger.ts'
import type { Log } from './log.ts'
import { EXCERPT, reasonOf, wordTidings } from './notice.ts'
import type { Tidings, Told } from './notice.ts'
import { tellAll } from './telling.ts'
import type { TellOptions } from './telling.ts'

/** What is told of, and when. */
export interface Subject {
  readonly kind: Tidings['kind']
  readonly states: readonly State[]
  /** With `final` it is the last look for now. */
  readonly rule: (final?: boolean) => Pace & {
    /** Who hears of it: nobody, and nothing is looked at. */
    readonly to: readonly string[]
    /** Only of what happened up to then (epoch ms), and what could have by now. */
    readonly upTo: number
    readonly reached: number
  }
  /** When it happened; undefined for a message that is not meant, or not yet. */
  readonly timeOf: (met: Sighting, upTo: number) => Promise<number | undefined>
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

/** Messages of a group that are looked into: their reasons, and a line of the journal each. */
const SAMPLE = 1_000
/** What is named for a later time than this is not waited for (ms). */
const SOON = 60_000
/** Those that are told one by one. */
const FIRST = 5

interface Linked {
  readonly met: Sighting
  readonly at: number
  /** Its trail says already by what it is told of. */
  readonly isLinked: boolean
}

interface Found extends Group {
  readonly sample: { readonly met: Sighting; readonly at: number }[]
}

export class Notices {
  readonly #subject: Subject
  readonly #options: NoticeOptions
  #ledger: Ledger | undefined
  #kept = ''
  /** The state as it was when the last look found nothing that is still to be told. */
  #stamp: string | undefined
  /** The last look met nothing that is too young to be told of. */
  #isRipe = false
  #trouble = ''
  #floor: number | undefined

  constructor(subject: Subject, options: NoticeOptions) {
    this.#subject = subject
    this.#options = options
  }

  /** True for what nobody has to be told of any more. */
  isTold(lane: string, at: number): boolean {
    if (this.#subject.rule().to.length === 0) return true
    return this.#ledger !== undefined && at <= markOf(this.#ledger, lane)
  }

  /** Fixes from where on it tells, before anything can happen that is to be told. */
  async begin(): Promise<void> {
    if (this.#subject.rule().to.length === 0) return
    await this.#tried(async () => {
      this.#ledger = await this.#open()
      return 0
    })
  }

  /** Looks, and tells what is due; with `final` what would still wait for more is due too. */
  async pass(final = false): Promise<number> {
    return this.#tried(() => this.#pass(final))
  }

  async #tried(act: () => Promise<number>): Promise<number> {
    const { kind } = this.#subject
    try {
      const made = await act()
      this.#trouble = ''
      return made
    } catch (error) {
      const reason = plainError(error)
      if (reason !== this.#trouble)
        this.#options.log.write(
          'error',
          { event: 'trouble', reason },
          `notices (${kind}): ${reason}; tried again`,
        )
      this.#trouble = reason
      return 0
    }
  }

  /** Keeps what is known, so that the next start need not look as far back. */
  async close(): Promise<void> {
    if (this.#ledger !== undefined) await this.#keep(this.#ledger).catch(() => {})
  }

  async #pass(final: boolean): Promise<number> {
    const { states, rule } = this.#subject
    const { to, upTo, reached, ...pace } = rule(final)
    if (to.length === 0) return 0
    const ledger = notBeyond(await this.#open(), this.#options.clock.now(), upTo)
    this.#ledger = ledger
    const stamp = states.length === 1 ? this.#options.rounds.stamp(states[0]!) : undefined
    if (stamp !== undefined && stamp === this.#stamp) return 0
    const groups = await this.#look(ledger, upTo)
    const now = this.#options.clock.now()
    let made = 0
    const untold = new Set<string>()
    for (const lane of new Set([...groups.keys(), ...makingIn(ledger)])) {
      const mark = this.#ledger.lanes.get(lane)
      const group = groups.get(lane)
      const hurry = final && mark?.toldAt === undefined ? { ...pace, wait: 0 } : pace
      const isMeant =
        mark?.making !== undefined ||
        (group !== undefined && isDue(mark, group, { now, reached }, hurry))
      if (isMeant) made += await this.#tell(lane, group, upTo, to)
      else untold.add(lane)
    }
    const keepTold = (toldAt: number) => now - toldAt < pace.every
    this.#ledger = lookedThrough(this.#ledger, upTo, untold, keepTold)
    // What waits for more of its lane is looked at again, whatever else happens.
    this.#stamp = this.#isRipe && groups.size === 0 ? stamp : undefined
    return made
  }

  async #open(): Promise<Ledger> {
    if (this.#ledger !== undefined) return this.#ledger
    const kept = parseLedger(await this.#options.rounds.remembered(this.#subject.kind))
    if (kept !== undefined) return kept
    // Of the first look, also where the disk refuses to keep it: what bounces meanwhile is told.
    this.#floor ??= this.#subject.floor()
    const ledger = { floor: this.#floor, lanes: new Map() }
    // From now on it counts from here, whatever happens next.
    await this.#keep(ledger)
    return ledger
  }

  /** What lies beyond the marks of all lanes, and not beyond `upTo`. */
  async #look(ledger: Ledger, upTo: number): Promise<Map<string, Found>> {
    const { states, timeOf, rule } = this.#subject
    const listeners = new Set(rule().to.map(laneOf))
    const groups = new Map<string, Found>()
    const young = new Map<string, number>()
    const soon = this.#options.clock.now() + SOON
    this.#isRipe = true
    for await (const met of this.#options.rounds.meet(states)) {
      const { lane } = met.entry
      const at = await timeOf(met, upTo)
      if (at === undefined) continue
      if (at > upTo) {
        // Too young to be told of, and the lane is not quiet yet.
        if (at >= soon) continue
        this.#isRipe = false
        young.set(lane, Math.max(young.get(lane) ?? 0, at))
        continue
      }
      if (at <= markOf(ledger, lane)) continue
      // Where notices lie among the others they must not be counted.
      if (listeners.has(lane) && (await met.story())?.envelope?.notice !== undefined)
        continue
      const group = groups.get(lane)
      const sample = group?.sample ?? []
      if (sample.length < SAMPLE) sample.push({ met, at })
      groups.set(lane, {
        count: (group?.count ?? 0) + 1,
        first: Math.min(group?.first ?? Infinity, at),
        last: Math.max(group?.last ?? -Infinity, at),
        sample,
      })
    }
    for (const [lane, last] of young) {
      const group = groups.get(lane)
      if (group !== undefined) groups.set(lane, { ...group, last })
    }
    return groups
  }

  /** Tells of one lane; 1 where a notice was made. */
  async #tell(
    lane: string,
    group: Found | undefined,
    upTo: number,
    to: readonly string[],
  ): Promise<number> {
    const { clock, ids, log, journal } = this.#options
    const { kind } = this.#subject
    const ledger = this.#ledger!
    const known = ledger.lanes.get(lane)?.making
    const making: Making = known ?? { seed: ids(), upTo }
    const { told, tidings } = await this.#tidings(lane, group, making, known !== undefined)
    const done = (more: { toldAt?: number }) =>
      this.#keep(marked(this.#ledger!, lane, { upTo: making.upTo, ...more }))
    if (tidings === undefined && known === undefined) {
      // Notices alone, or all of them requeued meanwhile.
      await done({})
      return 0
    }
    if (known === undefined) {
      const upToNow = markOf(ledger, lane)
      await this.#keep(marked(ledger, lane, { upTo: upToNow, making }))
    }
    if (tidings === undefined) {
      await done({ toldAt: clock.now() })
      return 0
    }
    const first = told[0]?.met.entry.id
    const made = await tellAll(
      {
        seed: making.seed,
        kind,
        wording: wordTidings(tidings),
        to,
        ...(first === undefined ? {} : { parent: first }),
        isInDoubt: known !== undefined,
      },
      this.#options,
    )
    const now = clock.now()
    const [[whom, as] = ['', '']] = made
    const at = new Date(now).toISOString()
    const reason = `told ${[...made].map(([each, id]) => `${each} as ${id}`).join(', ')}`
    for (const { met, isLinked } of told.slice(0, FIRST))
      // A courtesy to who looks at the message: the ledger is what counts.
      if (!isLinked) await met.tell({ at, act: 'noticed', as, reason }).catch(() => false)
    for (const { met } of told)
      journal.note({
        at: atText(now),
        event: 'noticed',
        id: met.entry.id,
        lane,
        as,
        reason,
      })
    await done({ toldAt: now })
    const fields = { event: 'notice', kind, lane, count: tidings.count, id: as, to: whom }
    log.write('info', fields, `${wordTidings(tidings).subject}; ${reason}`)
    if (to.some((each) => laneOf(each) === lane))
      log.write(
        'warn',
        { event: 'notice', kind, lane },
        `${lane} is told of its own trouble, and may not hear it: name another one in [bounce] notify as well`,
      )
    return 1
  }

  /** What there is to tell; undefined where it is nothing, or nothing but notices. */
  async #tidings(
    lane: string,
    group: Found | undefined,
    { upTo }: Making,
    known: boolean,
  ): Promise<{
    told: readonly Linked[]
    tidings: Tidings | undefined
  }> {
    const reasons = new Map<string, number>()
    const sample = (group?.sample ?? [])
      .filter(({ at }) => at <= upTo)
      .toSorted((a, b) => a.at - b.at || (a.met.entry.id < b.met.entry.id ? -1 : 1))
    const told: Linked[] = []
    const first: Told[] = []
    for (const one of sample) {
      const story = await one.met.story()
      if (story === undefined || story.envelope?.notice !== undefined) continue
      const reason = reasonOf(story.trail)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      const isLinked =
        known && story.trail.some((line) => 'act' in line && line.act === 'noticed')
      told.push({ ...one, isLinked })
      if (first.length < FIRST) {
        const body = await beginningOf(one.met)
        first.push({
          entry: one.met.entry,
          at: one.at,
          envelope: story.envelope,
          trail: story.trail,
          ...(body === undefined ? {} : { body }),
        })
      }
    }
    if (group === undefined || told.length === 0) return { told, tidings: undefined }
    const count = group.count - ((group.sample.length ?? 0) - told.length)
    const tidings: Tidings = {
      kind: this.#subject.kind,
      lane,
      count,
      since: told[0]!.at,
      until: Math.min(group.last, upTo),
      now: this.#options.clock.now(),
      reasons: [...reasons].toSorted(([, a], [, b]) => b - a),
      told: first,
      host: this.#options.sender.host ?? 'this host',
    }
    return { told, tidings }
  }

  /** What is not new is not written. */
  async #keep(ledger: Ledger): Promise<void> {
    const known = formatLedger(ledger)
    const text = JSON.stringify(known)
    if (text !== this.#kept) await this.#options.rounds.remember(this.#subject.kind, known)
    this.#kept = text
    this.#ledger = ledger
  }
}

function makingIn({ lanes }: Ledger): string[] {
  return [...lanes].flatMap(([lane, { making }]) => (making === undefined ? [] : lane))
}

async function beginningOf(met: Sighting): Promise<Uint8Array | undefined> {
  try {
    const body = await met.body()
    if (body === undefined) return undefined
    if (body.kind === 'bytes') return body.bytes.subarray(0, EXCERPT)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body.open()) {
      chunks.push(Buffer.from(chunk as Buffer))
      length += (chunk as Buffer).length
      if (length >= EXCERPT) break
    }
    return Buffer.concat(chunks).subarray(0, EXCERPT)
  } catch {
    // The report is worth more than the beginning of one body.
    return undefined
  }
}

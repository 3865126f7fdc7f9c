/**
 * queue - the seam. Above it: command line, scheduler, retry, transports. Below it: an engine.
 *
 * The promise of every engine: what `enqueue` resolved is never lost; a message has at most one
 * live lease; a settlement happens whole or not at all; delivery is at least once. No path,
 * file name or SQL above this file, no policy below it. Callers take the narrowest face.
 * test/queue/conformance.ts holds every engine to each sentence here.
 */
import { MsgqError } from '../base/errors.ts'
import type { Body } from '../message/body.ts'
import type { Draft } from '../message/draft.ts'
import type { Envelope, Notice, Sender } from '../message/envelope.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { Entry, Selector, Story } from '../message/selector.ts'
import type { State } from '../message/state.ts'
import type { Suspension } from '../message/suspension.ts'
import type { ActLine, AttemptLine, TrailLine } from '../message/trail.ts'

/** What goes into the queue: a checked draft, its body, and who sends it. */
export interface Submission {
  readonly draft: Draft
  readonly body: Uint8Array
  readonly sender: Sender
  readonly parent?: string
  /** Of a message that has an id already; `submit` alone takes it, and with a key. */
  readonly id?: string
}

/** The door. */
export interface Outbox {
  /**
   * Resolves with the id once the message is durable. A rejection with a MsgqError means
   * that nothing was queued; any other, an UnsureError first of all, that nobody knows.
   */
  enqueue(submission: Submission): Promise<string>
}

/** What a door that waits for an answer learns. */
export interface Accepted {
  readonly id: string
  /** Its key was given to this message before, which is durable; nothing was queued. */
  readonly isRepeat: boolean
}

/** The sender gave the key of a message to another one before: nothing was queued. */
export class KeyConflict extends MsgqError {
  readonly of: string

  constructor(of: string) {
    super('data', `key: was given to ${of}, which says something else`)
    this.name = 'KeyConflict'
    this.of = of
  }
}

/** Another message has the id that one came with: nothing was queued. */
export class IdConflict extends MsgqError {
  constructor(id: string) {
    super('data', `id: ${id} is another message here`)
    this.name = 'IdConflict'
  }
}

/** A relayed message has been here before, and went on from here: nothing was queued. */
export class LoopError extends MsgqError {
  constructor(id: string, hops: number) {
    super(
      'data',
      `id: ${id} has been here before, and came back over ${hops} msgqs: a loop`,
    )
    this.name = 'LoopError'
  }
}

/** The door inside the daemon, for who wants to know at once what became of a key. */
export interface Doorway {
  /**
   * Like `enqueue`, and decides on the key before anything is written. One that comes while the
   * first with its key is being written waits for that; it gives up with the signal's reason
   * when the signal aborts, and nothing was queued then.
   */
  submit(submission: Submission, signal?: AbortSignal): Promise<Accepted>
  /** Why nothing can be queued now: the disk is full, it is not ours. Undefined where it can. */
  refusal(): string | undefined
  /** How many messages that came in through it stand on the doorstep still. */
  readonly crowd: number
}

/** Everything about one message. `raw` bytes are never parsed above the seam. */
export interface Message {
  readonly entry: Entry
  /** Bytes that the message takes in the queue. */
  readonly size: number
  /** Absent for a message in `corrupt` whose envelope cannot be read. */
  readonly envelope?: Envelope
  readonly trail: readonly TrailLine[]
  /** Why it cannot be read, where it cannot. */
  readonly defect?: string
}

export interface Page {
  readonly items: readonly Entry[]
  /** Pass as `after` for the next page; absent on the last one. */
  readonly next?: string
}

export interface Stats {
  readonly states: Readonly<Record<State, number>>
  /** Messages per lane in incoming, active and deferred. */
  readonly waiting: ReadonlyMap<string, number>
  /** Earliest due per lane (epoch ms) of those in incoming and deferred. */
  readonly nextDue: ReadonlyMap<string, number>
  /** Acceptance of the oldest of those, epoch ms. */
  readonly oldestAt?: number
}

export const ACTS = ['flush', 'hold', 'release', 'requeue', 'delete', 'expire'] as const
export type Act = (typeof ACTS)[number]

export interface ActOptions {
  readonly by: string
  readonly reason?: string
  readonly dryRun?: boolean
  /** A person named these messages by id; without a word, where the selector has ids. */
  readonly named?: boolean
  /** For requeue: not the message itself, but a new one of which it is the parent. */
  readonly redirect?: Redirect
  /** Hears how many of those that matched have had their turn. */
  readonly onProgress?: (seen: number, matched: number) => void
}

/** Where a message is sent on to, and whether the old one stays. */
export interface Redirect {
  readonly to: string
  readonly keep: boolean
}

/** What an act came to, message by message. */
export interface ActResult {
  /** As many as are done and skipped. */
  readonly matched: number
  readonly done: readonly string[]
  readonly skipped: readonly { readonly id: string; readonly why: string }[]
  /** Of a redirect: the ids of the new messages, by that of the old one. */
  readonly made?: ReadonlyMap<string, string>
}

/** A place in the journal, of no meaning to anybody but the engine that gave it. */
export interface Mark {
  readonly place: unknown
}

/** Which lines of the journal are read. All given parts must hold. */
export interface JournalQuery {
  /** Of these messages: whole ids, or endings. */
  readonly ids?: readonly string[]
  /** Noted at this time or later / before, in epoch ms. */
  readonly after?: number
  readonly before?: number
  /** What was noted since then. */
  readonly from?: Mark
  readonly matches?: (line: JournalLine) => boolean
  /** Only the last so many. */
  readonly last?: number
  /** The newest first. */
  readonly reverse?: boolean
  /** Goes on with what is noted from now on, until it aborts. */
  readonly follow?: AbortSignal
}

/** The journal as it is read: the story of what happened, and never the source of truth. */
export interface History {
  /** Where the journal ends now. */
  mark(): Promise<Mark>
  /** Lines in the order in which they were noted; one that cannot be read is passed by. */
  history(query: JournalQuery): AsyncIterable<JournalLine>
}

/** The journal as it is written. */
export interface Journal {
  /** Adds a line, in memory for a moment: costs nothing, and never throws. */
  note(line: JournalLine): void
  /** Resolves once all that was noted can be read; what cannot be written is reported. */
  noted(): Promise<void>
}

/**
 * The operator's desk. Safe while a daemon serves the same queue. What it does is in the
 * journal before it answers.
 */
export interface Desk extends History {
  /** Messages whose id ends in `ending`; none, or more than one if it is ambiguous. */
  find(ending: string): Promise<readonly Entry[]>
  /** Undefined once it is gone. */
  get(id: string): Promise<Message | undefined>
  /** The id of the first of which the message with this ending was a dropped repeat, by its key. */
  firstOf(ending: string): Promise<string | undefined>
  /** The proven body; undefined when it disproves itself, or once it is gone. */
  body(id: string): Promise<Body | undefined>
  /** All its bytes as they are stored, proven or not; undefined once it is gone. */
  raw(id: string): Promise<NodeJS.ReadableStream | undefined>
  /**
   * Entries in the order of `due`, then id. Messages that move meanwhile may be missed or
   * appear in their new state, never twice on one page. A page has its own limit; that of the
   * selector is for acts.
   */
  list(selector: Selector, page: { limit: number; after?: string }): Promise<Page>
  stats(): Promise<Stats>
  /** How many there are of a selection, by state; what moves meanwhile may count twice or not. */
  count(selector: Selector): Promise<Readonly<Partial<Record<State, number>>>>
  /**
   * Of each lane in a selection, how many were accepted at the first of these times (epoch ms,
   * latest first) or later, how many before that and not before the second, and so on; the last
   * number is of those older than all.
   */
  ages(
    selector: Selector,
    times: readonly number[],
  ): Promise<ReadonlyMap<string, readonly number[]>>
  /**
   * Acts on each message of the selection in turn, by due, then id, and makes it durable
   * before it resolves. Without `states` an act means its own; a message named by id it means
   * wherever that is. What it may move, and to which due and tries, states.ts says. A redirect
   * makes the new message durable before the old one goes; one that was broken off and is done
   * again makes no second one while the first is there.
   */
  act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult>
}

/** Which suspension of a lane is meant, by a time of it (epoch ms). */
export type OnlyOne = { readonly overAt: number } | { readonly madeAt: number }

/**
 * Lanes that are suspended, by a person or by a rule. Kept over restarts, and safe beside a
 * daemon. What a suspension means for claims is policy, and above the seam.
 */
export interface Suspensions {
  /** Suspends a lane, in place of what was known of it. Durable once it resolves. */
  suspend(suspension: Suspension): Promise<void>
  /**
   * Ends a suspension, durably; false when there was none. With `only` just one that is over by
   * then, or that was made then: one that was made anew meanwhile stays.
   */
  resume(lane: string, only?: OnlyOne): Promise<boolean>
  /** All of them by lane; those that are over too, until somebody resumes the lane. */
  suspensions(): Promise<readonly Suspension[]>
}

/** A message in our hands. The token is the fence: a stale one settles nothing. */
export interface Lease {
  readonly id: string
  readonly token: string
  readonly lane: string
  readonly tries: number
  readonly due: number
  /** Its chain, or LOOSE for one that goes out in no order (chain.ts). */
  readonly chain?: string
  readonly envelope: Envelope
  readonly trail: readonly TrailLine[]
}

/**
 * How a lease ends. An AttemptLine is charged: `tries` grows by one; an ActLine is not. In
 * `hold` a message keeps its due; in `bounce` its due is the time of the bounce. One that is
 * `passed` leaves its chain for good, which goes on without it.
 */
export type Settlement =
  | { readonly to: 'delivered' }
  /**
   * An event that becomes a message for each of these destinations, each once, whatever breaks
   * off; with none it is dropped. fan-out.ts says what they are.
   */
  | { readonly to: 'expanded'; readonly destinations: readonly string[] }
  /** Removed, as an operator wants it; its key goes first. */
  | { readonly to: 'deleted' }
  | {
      readonly to: 'deferred'
      readonly due: number
      readonly line: AttemptLine
      readonly passed?: true
    }
  /** Put back untried: nothing is charged. A `line` is written where it says something new. */
  | {
      readonly to: 'postponed'
      readonly due: number
      readonly line?: ActLine
      readonly passed?: true
    }
  | { readonly to: 'bounced'; readonly line: AttemptLine | ActLine }
  | { readonly to: 'held'; readonly line: AttemptLine | ActLine }
  /** Put back at once, as it was: the daemon stops. */
  | { readonly to: 'released' }

/** The queue is not ours any more, or never was: nothing may be claimed or settled. */
export class FencedError extends MsgqError {
  constructor(message: string, hint?: string) {
    super('temporary', message, hint)
    this.name = 'FencedError'
  }
}

/** The scheduler's face. `claim` and `settle` reject with a FencedError once it is not ours. */
export interface Claims {
  /**
   * Leases of due messages, lanes in turn, within a lane by due time, at most `room(lane)` of
   * each and `max` in all; leases that are out do not count. Lanes go on taking turns from
   * claim to claim. Never a message that is not due. A message whose sender said `hold` goes
   * to `hold` instead, until it was released. What `interruptions` in the trail of a lease call
   * for is the caller's policy.
   *
   * Of a chain, the messages of one lane and `order`, only the first by id is given out, and none
   * while another of it is out: one that waits for its next try holds back those behind it. What
   * is held, bounced or gone holds back nothing, nor what has a time of its own. In a lane that
   * is `ordered` all messages are one chain.
   */
  claim(want: {
    room(lane: string): number
    max: number
    ordered?: ((lane: string) => boolean) | undefined
  }): Promise<readonly Lease[]>
  /** 'lost' when the lease was not ours any more; a rejection: try again, the lease stands. */
  settle(lease: Lease, settlement: Settlement): Promise<'ok' | 'lost'>
  /**
   * The proven body; undefined when it disproved itself and was put aside (the lease is then
   * over), or when the lease is lost.
   */
  readBody(lease: Lease): Promise<Body | undefined>
  /**
   * Adds a line to the trail of a lease, durably: after any crash whoever claims the message next
   * reads it. 'lost' when the lease was not ours any more; after a rejection nobody knows whether
   * it is there.
   */
  record(lease: Lease, line: ActLine): Promise<'ok' | 'lost'>
  /**
   * Epoch ms of the earliest waiting message among lanes with room, which may have passed;
   * undefined: nothing waits. It knows what the last claim saw and what was settled since.
   */
  nextDue(room: (lane: string) => number): number | undefined
  /** Something may have come that is not known yet; `nextDue` says when a claim finds out. */
  readonly owesLook?: boolean
  /** Calls back when something may have arrived: late, lost and false calls are allowed. */
  watch(onHint: () => void): Promise<void>
}

/** A message of our own, under an id that follows from what it is made of. */
export interface Placement {
  readonly id: string
  readonly draft: Draft
  readonly body: Uint8Array
  readonly sender: Sender
  readonly parent?: string
  readonly notice?: Notice
  /** The first line of its trail. */
  readonly line?: ActLine
}

/** A message as it was met on a round; it may have moved on by now. */
export interface Sighting {
  readonly entry: Entry
  /** What it says of itself, unproven; undefined once it is not there any more. */
  story(): Promise<Story | undefined>
  /** The proven body; undefined when it disproves itself, or once it is not there any more. */
  body(): Promise<Body | undefined>
  /** Adds a line to its trail; false once it is not there any more. */
  tell(line: ActLine): Promise<boolean>
}

/**
 * What the daemon looks after beside the deliveries: messages that failed, or wait for long.
 * It goes round now and then, in small pieces, and holds nothing of what it met.
 */
export interface Rounds {
  /** All messages in these states, in no order; one that moves meanwhile may be missed. */
  meet(states: readonly State[]): AsyncIterable<Sighting>
  /** The same text twice: nothing came into this state or left it. Undefined: nobody knows. */
  stamp(state: State): string | undefined
  /**
   * Makes a message, durable when this resolves, due at once or at its own time. Whether it was
   * made before the caller has to know: an id that is there twice is one of two.
   */
  place(placement: Placement): Promise<void>
  /** Keeps something small by a name ([a-z-]), durably, in place of what was kept before. */
  remember(name: string, known: unknown): Promise<void>
  /** What was kept; undefined where nothing was, or where it cannot be read any more. */
  remembered(name: string): Promise<unknown>
}

/** What happened below the seam that an operator should read. */
export interface Report {
  readonly level: 'info' | 'warn' | 'error'
  readonly event:
    | 'adopted'
    | 'conflict'
    | 'corrupt'
    | 'newer'
    | 'recovered'
    | 'repeat'
    | 'trouble'
    | 'unreadable'
  readonly id?: string
  /** Of that message. */
  readonly lane?: string
  /** The message of which it is a repeat. */
  readonly of?: string
  readonly message: string
}

/** An engine itself notes what comes in, what it puts aside or drops, and what operators do. */
export interface Engine
  extends Outbox, Doorway, Desk, Claims, Journal, Suspensions, Rounds {
  /**
   * Takes the queue for this process, alone: nobody claims before. What was in flight goes back
   * to `incoming`, uncharged, with a line `interrupted`. Rejects, and touches nothing, while
   * another serves the queue. The other faces work without it. With `claims: false` nobody
   * claims after it: an operator has the queue for a moment, and a daemon that starts waits.
   */
  recover(want?: { readonly claims: boolean }): Promise<{ readonly interrupted: number }>
  /** Makes what was settled until now durable; rejects where the disk refuses. */
  sync(): Promise<void>
  /** Makes what was settled durable, writes what was noted, and lets go of the queue. */
  close(): Promise<void>
}

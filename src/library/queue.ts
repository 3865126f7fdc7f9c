/**
 * queue - a queue as a program has it: what the commands do, as calls.
 *
 * No daemon is needed, and none is stopped or started. What a call resolves with is on disk. Holds
 * no lock and no file open between the calls.
 */
import type { Envelope } from '../message/envelope.ts'
import type { State } from '../message/state.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Choice } from './choice.ts'
import type { Outcome } from './end.ts'
import type { Outgoing } from './message.ts'

/** A message as it is listed. Times are ISO 8601. */
export interface Listed {
  readonly id: string
  readonly state: State
  /** A destination, or `=host_port` of bare URLs. */
  readonly lane: string
  readonly tries: number
  /** When it is tried next; in bounce, when it bounced. */
  readonly due: string
  readonly acceptedAt: string
}

/** All about a message but its body; secrets in a URL or a header are masked. */
export interface Whole extends Listed {
  /** Bytes that it takes in the queue. */
  readonly size: number
  /** Absent where it cannot be read. */
  readonly envelope?: Envelope
  readonly trail: readonly TrailLine[]
  /** Why it cannot be read. */
  readonly defect?: string
}

/** What came of one of many messages: its id, or why it was not queued. */
export type Sent = { readonly id: string } | { readonly error: Error }

export interface Ended {
  /**
   * `waiting`: the time is over, and it goes on. `unknown`: it is gone, and the journal does not
   * say how. `suspended`: it waits for a lane that does not go on by itself, or not in time.
   */
  readonly outcome: Outcome
  /** Why, where somebody says so. */
  readonly reason?: string
  /** The operator who did it. */
  readonly by?: string
  /** Where it was met in the queue. */
  readonly state?: State
  /** With `waiting`: when it is tried next. */
  readonly due?: string
  /** It happened to the first message with its key. */
  readonly repeatOf?: string
  /** It happened to a message that the event became, the worst of them. */
  readonly child?: string
}

export interface Waiting {
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignal
  /** Milliseconds, or a span such as '60s'; without it for as long as it takes. */
  readonly timeout?: number | string
}

export interface Acting {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean
  /** For the trail. */
  readonly reason?: string
}

export interface Acted {
  readonly matched: number
  readonly changed: readonly string[]
  readonly skipped: readonly { readonly id: string; readonly why: string }[]
  /** Of these nobody knows whether it was done: the daemon that has them fell silent. */
  readonly unknown: readonly { readonly id: string; readonly why: string }[]
}

/** What `requeue` may do beside the plain act. */
export interface Requeuing extends Acting {
  /** Sends a new message to this destination or URL in its place. */
  readonly redirect?: string
  /** With `redirect`: the old one stays where it is. */
  readonly keep?: boolean
  /** One goes first, then more and more, as long as they are delivered. Needs a daemon. */
  readonly canary?: boolean
  /** With `canary`: so long nothing may happen; 5m without a word. */
  readonly timeout?: number | string
}

export interface Requeued extends Acted {
  /** With `redirect`: the id of each new message, by that of the old one. */
  readonly made: Readonly<Record<string, string>>
  /** With `canary`: the one that did not arrive. What had not had its turn is among `skipped`. */
  readonly stopped?: Stopped
}

export interface Stopped {
  readonly id: string
  readonly state: State
  /** It has not failed, but nothing happens any more. */
  readonly isLate: boolean
  readonly reason?: string
}

export interface Counted {
  readonly states: Readonly<Record<State, number>>
  /** By lane, of those in incoming, active and deferred. */
  readonly waiting: Readonly<Record<string, number>>
  /** When the oldest of them was accepted. */
  readonly oldestAt?: string
}

/** A lane that was suspended. */
export interface Suspended {
  readonly lane: string
  readonly since: string
  readonly until?: string
  readonly by?: string
  readonly reason?: string
}

/**
 * A rejection with a MsgqError means that nothing was done. One of `send` with anything else, an
 * UnsureError first of all, means that nobody knows: send it again with the same `key`.
 */
export interface Queue extends AsyncDisposable {
  /** Where it is. */
  readonly spool: string
  /** Queues a message, durable when this resolves. */
  send(message: Outgoing): Promise<{ readonly id: string }>
  /**
   * Queues many, which share what durability costs. Each is kept or refused by itself, and the
   * answers are in their order. Takes no more from a source than it has room for. Rejects with what
   * the source throws: what was taken of it before that is queued all the same.
   */
  sendMany(messages: Iterable<Outgoing> | AsyncIterable<Outgoing>): Promise<readonly Sent[]>
  /** Undefined once it is gone; `wait` tells how it ended. */
  get(id: string): Promise<Whole | undefined>
  /** By due, then id. What moves meanwhile may be missed. */
  list(choice?: Choice | 'ALL'): AsyncGenerator<Listed, void>
  stats(): Promise<Counted>
  /** Resolves once a message does not go on by itself, be it long ago. */
  wait(id: string, waiting?: Waiting): Promise<Ended>
  /** Has deferred messages tried now, all of them unless told which. */
  flush(choice?: Choice | 'ALL', acting?: Acting): Promise<Acted>
  hold(choice: Choice | 'ALL', acting?: Acting): Promise<Acted>
  release(choice: Choice | 'ALL', acting?: Acting): Promise<Acted>
  /** Begins anew with them: without `state`, with those that bounced. */
  requeue(choice: Choice | 'ALL', how?: Requeuing): Promise<Requeued>
  delete(choice: Choice | 'ALL', acting?: Acting): Promise<Acted>
  expire(choice: Choice | 'ALL', acting?: Acting): Promise<Acted>
  /** Stops a lane until it is resumed, or for a span such as '2h'. */
  suspend(
    to: string,
    how?: { readonly for?: string; readonly reason?: string },
  ): Promise<Suspended>
  /** False where it was not suspended. */
  resume(to: string): Promise<boolean>
  /** Waits for what is being queued, and ends every `wait`; the queue itself goes on. */
  close(): Promise<void>
}

/**
 * outbox - the door of a spool, and all of it that `msgq send` loads.
 *
 * Needs no daemon and no lock. Refuses before it writes: a body over the limit, a disk almost
 * full, a file system that cannot be trusted.
 */
import { randomFillSync } from 'node:crypto'

import { writeFirstLine } from '../../base/durable.ts'
import type { syncFolder } from '../../base/durable.ts'
import type { Clock } from '../../base/clock.ts'
import { MsgqError } from '../../base/errors.ts'
import { briefSize } from '../../base/size.ts'
import { chainPart } from '../../message/chain.ts'
import { checkDraft } from '../../message/draft.ts'
import { headLimit, seal, sha256 } from '../../message/envelope.ts'
import { idMaker } from '../../message/id.ts'
import { laneOf } from '../../message/lane.ts'
import type { Outbox, Submission } from '../queue.ts'
import { Layout, survey } from './layout.ts'
import { formatName } from './name.ts'
import { Publisher } from './publish.ts'
import { EDGE } from './read.ts'

export interface OutboxOptions {
  readonly clock: Clock
  /** Largest body in bytes. */
  readonly messageSizeLimit?: number
  /** Free bytes that must stay on the disk. */
  readonly minFree?: number
  /** Both of them, where they may change; they go before. */
  readonly limits?: () => { readonly messageSizeLimit: number; readonly minFree: number }
  readonly anyFilesystem?: boolean
  /** Makes the ids of new messages; each must be greater than the one before. */
  readonly nextId?: () => string
  /** Computes the SHA-256 of a body, in hex. */
  readonly digest?: (body: Uint8Array) => string
  /** Make the spool when it is missing: it is the default place. */
  readonly create?: boolean
  /** The thread has others to serve, and never waits for the disk itself. */
  readonly serves?: boolean
  /** Makes the names in a folder durable, where somebody wants to know what that takes. */
  readonly syncFolder?: typeof syncFolder
  /** Tells the daemon that a message came; without it that is done by a file. */
  readonly onQueued?: () => void
}

/** Inodes that must stay free: a message is a file. */
export const MIN_INODES = 1_000

export class SpoolOutbox implements Outbox {
  readonly #layout: Layout
  readonly #publisher: Publisher
  readonly #options: OutboxOptions
  readonly #nextId: () => string
  #isTrusted = false

  /** Opens the door of a spool that exists, or may be made. */
  constructor(root: string, options: OutboxOptions) {
    this.#layout = new Layout(root)
    this.#options = options
    if (options.create) {
      this.#layout.makeRoot()
      this.#layout.make()
    }
    this.#layout.check()
    const { cautious } = survey(root, true)
    this.#publisher = new Publisher(
      this.#layout,
      cautious,
      !options.serves,
      options.syncFolder,
    )
    this.#nextId =
      options.nextId ?? idMaker(options.clock.now, (bytes) => randomFillSync(bytes))
  }

  /** `onId` hears which id it will have, before anybody can see the message. */
  async enqueue(submission: Submission, onId?: (id: string) => void): Promise<string> {
    const { draft, body, sender, parent } = submission
    checkDraft(draft)
    this.#checkSize(body.length)
    this.#checkRoom(body.length)
    const now = this.#options.clock.now()
    const id = submission.id ?? this.#nextId()
    const envelope = seal(draft, body, {
      id,
      now,
      sender,
      sha256: (this.#options.digest ?? sha256)(body),
      ...(parent === undefined ? {} : { parent }),
    })
    const line = JSON.stringify(envelope)
    if (Buffer.byteLength(line) >= headLimit(draft, EDGE))
      throw new MsgqError('data', `message: its headers take more than ${briefSize(EDGE)}`)
    const due = Math.max(
      now,
      draft.notBefore === undefined ? 0 : Date.parse(draft.notBefore),
    )
    const chain = chainPart(draft, due > now)
    const name = formatName({ due, tries: 0, id, lane: laneOf(draft.to), ...chain })
    onId?.(id)
    await this.#publisher.publish(id, name, line, body, stagingOf(submission.id))
    if (this.#options.onQueued === undefined) ring(this.#layout, name)
    else this.#options.onQueued()
    return id
  }

  /** Makes the names durable that stand in incoming/ now. */
  sync(): Promise<void> {
    return this.#publisher.sync()
  }

  /** Throws what a message without a body would be refused with. */
  check(): void {
    this.#checkRoom(0)
  }

  #checkSize(bytes: number): void {
    const { messageSizeLimit: limit = Infinity } = this.#options.limits?.() ?? this.#options
    if (bytes <= limit) return
    throw new MsgqError(
      'data',
      `message: ${briefSize(bytes)} is over the limit of ${briefSize(limit)}`,
      'message_size_limit in msgq.toml sets it; or send where the data lies, and not the data',
    )
  }

  #checkRoom(bytes: number): void {
    const { anyFilesystem = false } = this.#options
    const { minFree = 0 } = this.#options.limits?.() ?? this.#options
    const { root } = this.#layout
    const ground = survey(root, anyFilesystem || this.#isTrusted)
    this.#isTrusted = true
    const [free, least, size] = [ground.freeBytes, minFree, bytes].map(briefSize)
    if (ground.freeBytes - bytes < minFree)
      throw new MsgqError(
        'temporary',
        `spool: ${root}: ${free} free, less than min_free (${least}) and the message (${size}) need`,
        'nothing was queued: free space, or lower min_free in msgq.toml',
      )
    if (minFree > 0 && ground.freeInodes < MIN_INODES)
      throw new MsgqError(
        'temporary',
        `spool: ${root}: ${ground.freeInodes} inodes free, less than ${MIN_INODES}`,
        'nothing was queued: remove small files',
      )
  }
}

/**
 * A name of its own for what is staged under an id that somebody else gave: what a killed daemon
 * left under the id alone would be in the way of each further try.
 */
function stagingOf(id: string | undefined): { staging?: string } {
  if (id === undefined) return {}
  return { staging: `${id}-${randomFillSync(Buffer.alloc(4)).toString('hex')}` }
}

/**
 * Wakes the daemon, if there is one, and says which file came, where it was one. A lost ring costs
 * a fraction of a second.
 */
export function ring(layout: Layout, file = ''): void {
  try {
    writeFirstLine(layout.run('wake'), file)
  } catch {
    // No daemon has made the file yet, or it is not ours to write: the daemon looks by itself.
  }
}

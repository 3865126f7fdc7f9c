/**
 * sending - puts the messages of a program into its queue.
 *
 * In the order of the calls: it is that of the ids, by which chains go. What durability costs is
 * shared by all that are under way at once.
 */
import { randomFillSync } from 'node:crypto'

import { checkFit } from '../intake/fit.ts'
import { idMaker } from '../message/id.ts'
import { checkOwn, openOutbox } from '../queue/open.ts'
import type { Outbox } from '../queue/queue.ts'
import type { Ground } from './ground.ts'
import type { KnownTerms } from './known-terms.ts'
import { composeParts, partsOf } from './message.ts'
import type { Outgoing, Parts } from './message.ts'
import type { Sent } from './queue.ts'
import { senderHere } from './sender.ts'

/** So many are on their way to the disk at once. */
const AT_ONCE = 256

export class Sending {
  readonly #ground: Ground
  readonly #terms: KnownTerms
  readonly #nextId: () => string
  /** The second takes the room that is kept for what is critical. */
  readonly #doors = new Map<boolean, Promise<Outbox>>()
  #turn: Promise<void> = Promise.resolve()

  constructor(ground: Ground, terms: KnownTerms) {
    this.#ground = ground
    this.#terms = terms
    this.#nextId = idMaker(ground.clock.now, (bytes) => randomFillSync(bytes))
  }

  /** Queues a message; resolves once it is durable. */
  async send(message: Outgoing): Promise<{ readonly id: string }> {
    const parts = partsOf(message)
    const begun = this.#turn.then(() => this.#begin(parts))
    this.#turn = begun.then(
      () => {},
      () => {},
    )
    const { queued } = await begun
    return { id: await queued }
  }

  /** Queues many, each by itself; takes no more from a source than there is room for. */
  async sendMany(
    messages: Iterable<Outgoing> | AsyncIterable<Outgoing>,
  ): Promise<readonly Sent[]> {
    const sent: Sent[] = []
    const waiting = new Set<Promise<void>>()
    try {
      let at = 0
      for await (const message of messages) {
        const place = at++
        const one = this.send(message).then(
          (answer) => void (sent[place] = answer),
          (error: Error) => void (sent[place] = { error }),
        )
        waiting.add(one)
        void one.then(() => waiting.delete(one))
        if (waiting.size >= AT_ONCE) await Promise.race(waiting)
      }
    } finally {
      await Promise.all(waiting)
    }
    return sent
  }

  /** Resolves once the message has its id; that it is durable is another promise. */
  async #begin(parts: Parts): Promise<{ readonly queued: Promise<string> }> {
    const terms = await this.#terms.now()
    const { environment, clock } = this.#ground
    const to = environment.env['MSGQ_TO'] || terms.to
    const { draft, body } = composeParts(parts, { to, terms, now: clock.now() })
    checkFit(draft, body, terms)
    const door = await this.#openDoor(draft.level === 'critical')
    return { queued: door.enqueue({ draft, body, sender: senderHere() }) }
  }

  #openDoor(isCritical: boolean): Promise<Outbox> {
    const open = this.#doors.get(isCritical)
    if (open !== undefined) return open
    const { place, clock } = this.#ground
    const limits = () => {
      const { messageSizeLimit, minFree } = this.#terms.last
      return { messageSizeLimit, minFree: isCritical ? 0 : minFree }
    }
    const opening = Promise.resolve().then(() => {
      checkOwn(place.spool)
      return openOutbox(place.spool, {
        clock,
        limits,
        anyFilesystem: place.anyFilesystem,
        create: place.spoolIsDefault,
        nextId: this.#nextId,
        serves: true,
      })
    })
    this.#doors.set(isCritical, opening)
    // What is wrong may be mended before the next one.
    opening.catch(() => this.#doors.delete(isCritical))
    return opening
  }
}

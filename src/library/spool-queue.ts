/**
 * spool-queue - the calls of a queue, on the faces of its engine.
 *
 * Says nothing anywhere: what a person should know is in what a call resolves with, or in a
 * warning of Node's, once.
 */
import { MsgqError } from '../base/errors.ts'
import { linked } from '../base/linked.ts'
import { printable } from '../base/text.ts'
import { entryView, messageView } from '../intake/message-view.ts'
import { spanOf } from '../intake/when.ts'
import { checkOwn, checkReadable, openDesk } from '../queue/open.ts'
import type { Act, Desk, Suspensions } from '../queue/queue.ts'
import { actOn, optionsOf } from './act.ts'
import type { Deed } from './act.ts'
import { actSelectorOf, idOf, selectorOf } from './choice.ts'
import type { Choice } from './choice.ts'
import { daemonOf } from './daemon.ts'
import type { End } from './end.ts'
import type { Ground } from './ground.ts'
import { KnownTerms } from './known-terms.ts'
import { flushLanes, resumeLanes, suspendLanes, suspensionsNow } from './lanes.ts'
import type { LanesMeant, Suspended } from './lanes.ts'
import { lanesIn } from './lane-words.ts'
import type { Outgoing } from './message.ts'
import type * as Public from './queue.ts'
import { PATIENCE, checkCanary, checkRedirect, requeue } from './requeue.ts'
import { operatorHere } from './sender.ts'
import { Sending } from './sending.ts'
import { actedView, endedView, isoOf, stopView } from './views.ts'
import { Waiter } from './waiter.ts'

const PAGE = 1_000
/** As much as a timer can. */
const LONGEST = 2_147_483_647

export class SpoolQueue implements Public.Queue {
  readonly #ground: Ground
  readonly #closing = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #terms: KnownTerms
  readonly #sending: Sending
  #desk: Promise<Desk & Suspensions> | undefined

  constructor(ground: Ground) {
    this.#ground = ground
    this.#terms = new KnownTerms(ground)
    this.#sending = new Sending(ground, this.#terms)
  }

  get spool(): string {
    return this.#ground.place.spool
  }

  async send(message: Outgoing): Promise<{ readonly id: string }> {
    this.#checkOpen()
    return this.#during(this.#sending.send(message))
  }

  async sendMany(
    messages: Iterable<Outgoing> | AsyncIterable<Outgoing>,
  ): Promise<readonly Public.Sent[]> {
    this.#checkOpen()
    return this.#during(this.#sending.sendMany(messages))
  }

  async get(id: string): Promise<Public.Whole | undefined> {
    const desk = await this.#openDesk()
    const message = await desk.get(idOf(id))
    return message && messageView(message)
  }

  async *list(choice: Choice | 'ALL' = 'ALL'): AsyncGenerator<Public.Listed, void> {
    const desk = await this.#openDesk()
    const { limit: left = Infinity, ...selector } = selectorOf(choice, this.#now())
    let after: string | undefined
    for (let seen = 0; seen < left;) {
      const limit = Math.min(PAGE, left - seen)
      const place = after === undefined ? {} : { after }
      const { items, next } = await desk.list(selector, { limit, ...place })
      for (const item of items) yield entryView(item)
      if (next === undefined) return
      seen += items.length
      after = next
    }
  }

  async stats(): Promise<Public.Counted> {
    const desk = await this.#openDesk()
    const { states, waiting, oldestAt } = await desk.stats()
    const oldest = oldestAt === undefined ? {} : { oldestAt: isoOf(oldestAt) }
    return { states, waiting: Object.fromEntries(waiting), ...oldest }
  }

  async wait(id: string, { signal, timeout }: Public.Waiting = {}): Promise<Public.Ended> {
    signal?.throwIfAborted()
    const most = timeout === undefined ? undefined : millisecondsOf(timeout)
    const whole = idOf(id)
    const desk = await this.#openDesk()
    const waiter = await Waiter.ready(desk, this.#ground.clock)
    const over = new AbortController()
    const timer =
      most === undefined
        ? undefined
        : setTimeout(() => over.abort(), Math.min(most, LONGEST))
    const broken = [this.#closing.signal, ...(signal === undefined ? [] : [signal])]
    const ended = linked(over.signal, ...broken)
    try {
      const ends = await waiter.until([whole], {
        signal: ended.signal,
        timeout: most ?? Infinity,
        past: true,
      })
      for (const each of broken) each.throwIfAborted()
      return endedView(ends.get(whole) as End)
    } finally {
      clearTimeout(timer)
      ended.release()
    }
  }

  async flush(
    choice: Choice | 'ALL' = 'ALL',
    acting?: Public.Acting,
  ): Promise<Public.Acted> {
    const acted = await this.#act('flush', choice, acting)
    if (acting?.dryRun) return acted
    const desk = await this.#openDesk()
    const { ids, lanes } = selectorOf(choice, this.#now())
    const named = ids && (await desk.list({ ids }, { limit: ids.length })).items
    const meant = named === undefined ? lanes : [...new Set(named.map(({ lane }) => lane))]
    if (meant?.length !== 0) await flushLanes(this.spool, meant)
    return acted
  }

  hold(choice: Choice | 'ALL', acting?: Public.Acting): Promise<Public.Acted> {
    return this.#act('hold', choice, acting)
  }

  release(choice: Choice | 'ALL', acting?: Public.Acting): Promise<Public.Acted> {
    return this.#act('release', choice, acting)
  }

  async requeue(
    choice: Choice | 'ALL',
    {
      redirect: to,
      keep = false,
      canary,
      timeout = PATIENCE,
      ...acting
    }: Public.Requeuing = {},
  ): Promise<Public.Requeued> {
    if (keep && to === undefined)
      throw new MsgqError('usage', 'keep: means nothing without redirect')
    const patience = millisecondsOf(timeout)
    const { desk, deed } = await this.#deedOf('requeue', choice, acting)
    if (to !== undefined) {
      const { destinations } = await this.#terms.now()
      checkRedirect('redirect', to, destinations && new Set(destinations.keys()))
    }
    const { clock } = this.#ground
    if (canary && !deed.dryRun) checkCanary('canary', await daemonOf(this.spool, clock))
    const wish = {
      redirect: to === undefined ? undefined : { to, keep },
      canary: canary ? { patience } : undefined,
    }
    const { selector } = deed
    const { result, stopped } = await requeue(desk, selector, optionsOf(deed), wish, clock)
    return {
      ...actedView(result),
      made: Object.fromEntries(result.made ?? []),
      ...(stopped === undefined ? {} : { stopped: stopView(stopped) }),
    }
  }

  delete(choice: Choice | 'ALL', acting?: Public.Acting): Promise<Public.Acted> {
    return this.#act('delete', choice, acting)
  }

  expire(choice: Choice | 'ALL', acting?: Public.Acting): Promise<Public.Acted> {
    return this.#act('expire', choice, acting)
  }

  async suspend(
    to: string,
    how: { readonly for?: string; readonly reason?: string } = {},
  ): Promise<Public.Suspended> {
    const span = how.for === undefined ? undefined : spanOf('for', how.for)
    if (span === 0) throw new MsgqError('usage', 'for: is no time at all')
    const meant = await this.#lanesMeant(to)
    const why = how.reason === undefined ? undefined : printable(how.reason)
    const [one] = (await suspendLanes(meant, { span, why })).done
    const done = (one as Suspended).suspension
    return {
      lane: done.lane,
      since: isoOf(done.at),
      ...(done.until === undefined ? {} : { until: isoOf(done.until) }),
      ...(done.by === undefined ? {} : { by: done.by }),
      ...(done.why === undefined ? {} : { reason: done.why }),
    }
  }

  async resume(to: string): Promise<boolean> {
    const { ended } = await resumeLanes(await this.#lanesMeant(to))
    return ended.size > 0
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closed())
    await Promise.allSettled(this.#underWay)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #act(
    act: Act,
    choice: Choice | 'ALL',
    acting?: Public.Acting,
  ): Promise<Public.Acted> {
    const { desk, deed } = await this.#deedOf(act, choice, acting)
    const { clock, place, warn } = this.#ground
    const { result, unknown } = await actOn(deed, { io: { clock, warn }, place, desk })
    return actedView(result, unknown)
  }

  /** What is to be done, by whom and to which messages, before anything is touched. */
  async #deedOf(
    act: Act,
    choice: Choice | 'ALL',
    { dryRun = false, reason }: Public.Acting = {},
  ): Promise<{ readonly desk: Desk; readonly deed: Deed }> {
    const selector = (act === 'flush' ? selectorOf : actSelectorOf)(choice, this.#now())
    const desk = await this.#openDesk()
    checkOwn(this.spool)
    const by = operatorHere(this.#ground.environment)
    const why = reason === undefined ? undefined : printable(reason)
    return { desk, deed: { act, by, why, selector, dryRun } }
  }

  async #lanesMeant(to: string): Promise<LanesMeant> {
    const desk = await this.#openDesk()
    checkOwn(this.spool)
    const { clock, environment } = this.#ground
    const lanes = [await this.#laneOf(to, desk)]
    const before = await suspensionsNow(desk, clock)
    return { spool: this.spool, desk, clock, by: operatorHere(environment), lanes, before }
  }

  async #laneOf(to: string, desk: Suspensions): Promise<string> {
    const { destinations } = await this.#terms.now()
    const before = (await desk.suspensions()).map(({ lane }) => lane)
    const known = destinations && new Set([...destinations.keys(), ...before])
    const [lane, ...others] = lanesIn([to], known)
    if (lane === undefined || others.length > 0)
      throw new MsgqError('usage', `which lane? ${JSON.stringify(to)} names no single one`)
    return lane
  }

  async #openDesk(): Promise<Desk & Suspensions> {
    this.#checkOpen()
    const { place, clock } = this.#ground
    checkReadable(place.spool)
    this.#desk ??= openDesk(place.spool, { clock, anyFilesystem: place.anyFilesystem })
    // What is wrong may be mended before the next call.
    this.#desk.catch(() => (this.#desk = undefined))
    return this.#desk
  }

  #now(): number {
    return this.#ground.clock.now()
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw closed()
  }

  /** What `close` waits for. */
  async #during<T>(act: Promise<T>): Promise<T> {
    this.#underWay.add(act)
    try {
      return await act
    } finally {
      this.#underWay.delete(act)
    }
  }
}

/** A span as a program writes it; throws (usage) for what is none. */
function millisecondsOf(timeout: number | string): number {
  if (typeof timeout === 'string') return spanOf('timeout', timeout)
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw new MsgqError('usage', `timeout: is no span of time: ${String(timeout)}`)
}

function closed(): MsgqError {
  return new MsgqError('usage', 'queue: is closed')
}

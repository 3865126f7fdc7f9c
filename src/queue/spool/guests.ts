/**
 * guests - the files that are to be adopted: their ids are fixed by their names in active/.
 *
 * Each is sealed and goes to incoming/, or is no message and goes to corrupt/. Where the machine
 * fails it goes back to the doorstep under a name that keeps its id, and is tried again; where
 * not even that is possible it stays here, and at the latest recovery finds it.
 */
import { syncFolder } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { printable } from '../../base/text.ts'
import { sealInPlace } from './adopt.ts'
import type { AdoptOptions } from './adopt.ts'
import type { Agenda } from './agenda.ts'
import { putAside } from './aside.ts'
import type { ClaimTable } from './claims.ts'
import type { JudgeDeps } from './judge.ts'
import { formatName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import type { Quota } from './quota.ts'
import { Defect } from './read.ts'
import { Trouble } from './trouble.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** Ends the name of a guest that went back to the doorstep, whose id is fixed already. */
export const AGAIN = '.again'
/** What cannot be taken in is tried again so much later (ms). */
export const RETRY = 60_000
/** Sealed at the same time: their bodies are in memory. */
const WIDTH = 4

export interface GuestDeps extends JudgeDeps, Pick<AdoptOptions, 'misfit'> {
  readonly agenda: Agenda
  readonly claims: ClaimTable
  readonly messageSizeLimit: number
  /** What other users have waiting is charged to them. */
  readonly quota: Quota
  /** Lets a file rest on the doorstep, for so long (ms). */
  readonly again: (file: string, wait: number) => void
}

export interface Guest {
  /** What it is called in active/. */
  readonly name: Name
  /** What it was called. */
  readonly origin?: string
}

export class Guests {
  readonly #deps: GuestDeps
  readonly #trouble: Trouble
  #waiting: Guest[] = []

  constructor(deps: GuestDeps) {
    this.#deps = deps
    this.#trouble = new Trouble(deps.report)
  }

  add(guest: Guest): void {
    this.#waiting.push(guest)
  }

  has(id: string): boolean {
    return this.#waiting.some(({ name }) => name.id === id)
  }

  /** Seals all of them; those that are messages in incoming/ now. */
  async seal(): Promise<readonly Waiting[]> {
    const guests = this.#waiting
    if (guests.length === 0) return []
    this.#waiting = []
    await this.#fixNames()
    const sealed: (Waiting | undefined)[] = []
    for (let n = 0; n < guests.length; n += WIDTH) {
      const some = guests.slice(n, n + WIDTH)
      sealed.push(...(await Promise.all(some.map((guest) => this.#sealOne(guest)))))
    }
    return sealed.filter((waiting) => waiting !== undefined)
  }

  /** What goes out must not get another id after a power cut: the names are durable first. */
  async #fixNames(): Promise<void> {
    try {
      await syncFolder(this.#deps.layout.folder('active'))
    } catch (error) {
      const message = `sync of active/: ${plainError(error)}`
      this.#deps.report({ level: 'error', event: 'trouble', message })
    }
  }

  async #sealOne(guest: Guest): Promise<Waiting | undefined> {
    const { layout, mover, clock, report, messageSizeLimit, quota, misfit } = this.#deps
    const { name, origin } = guest
    const active = formatName(name)
    const options = { now: clock.now(), messageSizeLimit, misfit }
    try {
      const { file, uid, size } = await sealInPlace(
        layout,
        name,
        origin === undefined ? options : { ...options, origin },
      )
      quota.charge(name.id, uid, size)
      const now = mover.move('active', active, 'incoming', file)
      if (now === undefined) return undefined
      const message = `adopted${origin === undefined ? '' : ` ${printable(origin)}`}`
      const waiting = waitingIn('incoming', now)
      const lane = waiting === undefined ? {} : { lane: waiting.lane }
      report({ level: 'info', event: 'adopted', id: name.id, ...lane, message })
      return waiting
    } catch (error) {
      const where = `active/${active}`
      quota.clear(name.id)
      if (isMissing(error)) return undefined
      if (!this.#trouble.guard(where, () => this.#sendOff(guest, error)))
        this.#waiting.push(guest)
      return undefined
    }
  }

  /** What cannot be sealed leaves active/: for good, or to come again. */
  #sendOff({ name, origin }: Guest, error: unknown): void {
    const { mover, report, again } = this.#deps
    const active = formatName(name)
    if (error instanceof Defect) {
      const was = origin === undefined ? '' : ` (was ${origin})`
      putAside(this.#deps, 'active', active, `${error.message}${was}`)
      return
    }
    const back = `${formatName(unclaimed(name))}${AGAIN}`
    mover.move('active', active, 'incoming', back)
    again(back, RETRY)
    const message = `cannot be adopted: ${plainError(error)}; tried again in a minute`
    report({ level: 'error', event: 'unreadable', id: name.id, message })
  }
}

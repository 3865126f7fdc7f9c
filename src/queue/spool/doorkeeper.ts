/**
 * doorkeeper - brings what stands in incoming/ to where it belongs, and keeps it almost empty.
 *
 * What is due stays on the agenda until it is claimed; what is not, and what is too much to
 * stand there (its lane is full), waits in deferred/. Files made by hand are adopted; what is no message goes to corrupt/ with
 * its reason. What cannot be opened or moved stays, is said once, and is tried once a minute.
 */
import type { Stats } from 'node:fs'
import { closeSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { appendLine } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { Report } from '../queue.ts'
import { holdsAtDoor } from '../states.ts'
import { adoptName, sealInPlace } from './adopt.ts'
import type { Agenda, Waiting } from './agenda.ts'
import type { ClaimTable } from './claims.ts'
import { Doorstep } from './doorstep.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Defect, openPlain, readMessage } from './read.ts'
import { compareTwins } from './twins.ts'

/** So many may wait in incoming/ for their turn; the rest waits in deferred/. */
const DOORSTEP = 1_000
/** Moved or adopted in one go, so that a flood does not stop deliveries. */
const AT_ONCE = 256
/** What cannot be taken in is tried again so much later (ms). */
const RETRY = 60_000

/** Ends the name of a guest that went back to the doorstep, whose id is fixed already. */
const AGAIN = '.again'

interface Deps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly agenda: Agenda
  readonly claims: ClaimTable
  readonly report: (report: Report) => void
  readonly nextId: () => string
  readonly messageSizeLimit: number
}

export class Doorkeeper {
  readonly #deps: Deps
  readonly #doorstep: Doorstep
  /** Files of which was said that they cannot be taken in. */
  readonly #said = new Set<string>()
  /** Fixed by their names in active/, to be sealed at the next look. */
  readonly #guests: { name: Name; origin: string }[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#doorstep = new Doorstep(deps.layout, deps.clock)
  }

  /** Looks at incoming/, and takes in what came. */
  async look(): Promise<void> {
    const found = this.#doorstep.look()
    const now = this.#deps.clock.now()
    for (const { file, name } of found?.known ?? []) {
      const { id, lane, due } = name
      const waiting: Waiting = { state: 'incoming', file, id, lane, due }
      if (!this.admit(waiting)) continue
      if (due > now) this.#park(waiting)
    }
    for (const { file, stat } of (found?.strange ?? []).slice(0, AT_ONCE))
      this.#fix(file, stat)
    while (this.#guests.length > 0) await this.#seal(this.#guests.shift()!)
  }

  /** Moves what stands on the doorstep beyond a bound to deferred/, a slice at a time. */
  clear(): void {
    if (this.#deps.agenda.size <= DOORSTEP) return
    for (const waiting of this.#deps.agenda.excess(DOORSTEP).slice(0, AT_ONCE))
      this.#park(waiting)
  }

  /** Puts a waiting message on the agenda; false when it is known, in flight, or was a twin. */
  admit(waiting: Waiting): boolean {
    const { agenda, claims } = this.#deps
    if (claims.has(waiting.id) || claims.newer.has(waiting.id)) return false
    const known = agenda.get(waiting.id)
    if (known?.file === waiting.file && known.state === waiting.state) return false
    if (known !== undefined && !this.#settleTwins(known, waiting)) return false
    agenda.add(waiting)
    return true
  }

  /** A claimed file that another user sealed: it is taken in anew, under its id. */
  takeIn(name: Name, origin: string): void {
    const fixed = adoptName(name.id, this.#deps.clock.now(), name.claim!)
    this.#deps.mover.rename('active', formatName(name), formatName(fixed))
    this.#guests.push({ name: fixed, origin })
  }

  /** A claimed file that nobody sealed: back it goes, to rest like any made by hand. */
  putBack(name: Name): void {
    const file = formatName(unclaimed(name))
    if (this.#deps.mover.move('active', formatName(name), 'incoming', file))
      this.#doorstep.again(file, 0)
  }

  /** Goes on with an adoption that a crash cut short. */
  async resume(name: Name): Promise<void> {
    await this.#seal({ name, origin: '' })
  }

  /**
   * Two files with one id. True: the new one goes on the agenda; the other was the same file
   * under its former name, the beginning of it, or is now in corrupt/.
   */
  #settleTwins(known: Waiting, other: Waiting): boolean {
    const { layout, mover } = this.#deps
    const [a, b] = [
      layout.file(known.state, known.file),
      layout.file(other.state, other.file),
    ]
    const verdict = compareTwins(a, b)
    if (verdict === 'gone') return true
    if (verdict === 'neither') {
      this.#putAside(other, `another message has its id: ${known.state}/${known.file}`)
      return false
    }
    const shorter = verdict === 'second' ? known : other
    mover.remove(shorter.state, shorter.file)
    return shorter === known
  }

  /** incoming -> deferred for what cannot go now, or hold where its sender says so. */
  #park(waiting: Waiting): void {
    const { layout, mover, agenda } = this.#deps
    if (this.#wantsHold(layout.file('incoming', waiting.file))) {
      if (mover.move('incoming', waiting.file, 'hold')) agenda.forget(waiting.id)
      return
    }
    if (mover.move('incoming', waiting.file, 'deferred'))
      agenda.add({ ...waiting, state: 'deferred' })
    else agenda.forget(waiting.id)
  }

  #wantsHold(path: string): boolean {
    try {
      const { envelope, trail } = readMessage(path)
      return holdsAtDoor(envelope, trail)
    } catch {
      // Whatever is wrong with it is found, and said, when it is claimed.
      return false
    }
  }

  /** Fixes the id of a hand-made file by its name in active/. */
  #fix(file: string, stat: Stats): void {
    const { layout, mover, clock, claims, nextId } = this.#deps
    const id = idOfAgain(file) ?? nextId()
    const name = adoptName(id, clock.now(), claims.nextToken())
    try {
      if (stat.isFile()) closeSync(openPlain(layout.file('incoming', file)))
      if (mover.move('incoming', file, 'active', formatName(name)))
        this.#guests.push({ name, origin: file })
      this.#said.delete(file)
    } catch (error) {
      this.#doorstep.again(file, RETRY)
      if (isMissing(error) || this.#said.has(file)) return
      this.#said.add(file)
      this.#deps.report({
        level: 'error',
        event: 'unreadable',
        message: `incoming/${file}: ${plainError(error)}: it stays there and is tried again`,
      })
    }
  }

  async #seal({ name, origin }: { name: Name; origin: string }): Promise<void> {
    const { layout, mover, clock, claims, report, messageSizeLimit } = this.#deps
    const active = formatName(name)
    try {
      const file = await sealInPlace(layout, name, {
        now: clock.now(),
        messageSizeLimit,
        ...(origin === '' ? {} : { origin }),
      })
      if (!mover.move('active', active, 'incoming', file)) return
      const { id, lane, due } = parseName(file)!
      this.admit({ state: 'incoming', file, id, lane, due })
      report({ level: 'info', event: 'adopted', id, message: `adopted ${origin}`.trim() })
    } catch (error) {
      if (error instanceof Defect) {
        const was = origin === '' ? '' : ` (was ${origin})`
        claims.putAside(name, `${error.message}${was}`)
        return
      }
      if (isMissing(error)) return
      // A fault of the machine: back to the doorstep under its fixed id, and again later.
      const back = `${formatName(unclaimed(name))}${AGAIN}`
      mover.move('active', active, 'incoming', back)
      this.#doorstep.again(back, RETRY)
      report({
        level: 'error',
        event: 'unreadable',
        id: name.id,
        message: `cannot be adopted: ${plainError(error)}; tried again in a minute`,
      })
    }
  }

  #putAside(waiting: Waiting, reason: string): void {
    const { layout, mover, clock, report } = this.#deps
    const at = new Date(clock.now()).toISOString()
    try {
      const path = layout.file(waiting.state, waiting.file)
      appendLine(path, formatTrailLine({ at, act: 'corrupt', reason }))
    } catch {
      // The move counts; the reason is in the log as well.
    }
    mover.move(waiting.state, waiting.file, 'corrupt')
    report({
      level: 'error',
      event: 'corrupt',
      id: waiting.id,
      message: `put into corrupt/: ${reason}`,
    })
  }
}

function idOfAgain(file: string): string | undefined {
  return file.endsWith(AGAIN) ? parseName(file.slice(0, -AGAIN.length))?.id : undefined
}

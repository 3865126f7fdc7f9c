/**
 * doorkeeper - brings what stands in incoming/ to where it belongs, and keeps it almost empty.
 *
 * What is due stays on the agenda until it is claimed; what is not, and what is too much to
 * stand there (its lane is full), waits in deferred/. Files made by hand are adopted; what is no
 * message goes to corrupt/ with its reason. What cannot be opened or moved stays, is said once,
 * and is tried once a minute; it never keeps another one waiting.
 */
import { readdirSync, renameSync } from 'node:fs'
import type { Stats } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import type { State } from '../../message/state.ts'
import { holdsAtDoor } from '../states.ts'
import { adoptName } from './adopt.ts'
import { waitingIn } from './agenda.ts'
import type { Waiting } from './agenda.ts'
import { putAside } from './aside.ts'
import { Doorstep } from './doorstep.ts'
import { AGAIN, Guests, RETRY } from './guests.ts'
import type { GuestDeps } from './guests.ts'
import { formatName, isStaged, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Defect, Unsealed, readEnvelope, readMessage } from './read.ts'
import { tellHold } from './tell.ts'
import { Trouble } from './trouble.ts'
import { compareTwins } from './twins.ts'

/** So many may wait in incoming/ for their turn; the rest waits in deferred/. */
const DOORSTEP = 1_000
/** Moved or adopted in one go, so that a flood does not stop deliveries. */
const AT_ONCE = 256
/** So many are remembered to be moved; the next look finds the others. */
const MOST_PARKING = 100_000

interface Deps extends Omit<GuestDeps, 'again'> {
  readonly nextId: () => string
}

export class Doorkeeper {
  readonly #deps: Deps
  readonly #doorstep: Doorstep
  readonly #guests: Guests
  readonly #trouble: Trouble
  /** To be moved to deferred/ or hold/: not due, or beyond what the agenda keeps. */
  #parking: Waiting[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#doorstep = new Doorstep(deps.layout, deps.clock)
    this.#trouble = new Trouble(deps.report)
    const again = (file: string, wait: number) => this.#doorstep.again(file, wait)
    this.#guests = new Guests({ ...deps, again })
  }

  /** When there is something to do though nothing rings (epoch ms). */
  get nextLook(): number | undefined {
    const { clock, gate } = this.#deps
    if (this.#parking.length > 0) return clock.now()
    const next = Math.min(this.#doorstep.nextLook ?? Infinity, gate.nextLook ?? Infinity)
    return next === Infinity ? undefined : next
  }

  /** Looks at incoming/, and takes in what came. */
  look(): void {
    const found = this.#doorstep.look()
    if (found === undefined) return
    this.#parking = []
    for (const { file } of found.known)
      this.#guard(file, () => this.#greet(waitingIn('incoming', file)!))
    for (const { file, stat } of found.strange.slice(0, AT_ONCE))
      this.#guard(file, () => this.#takeStrange(file, stat))
    if (found.odd) this.#trouble.guard('incoming/', () => this.#renameOdd())
  }

  /** Seals what is to be adopted and decides on keys; true when messages came of it. */
  async seal(): Promise<boolean> {
    const fresh = [...(await this.#guests.seal()), ...(await this.#deps.gate.decide())]
    for (const waiting of fresh)
      if (waiting.state === 'deferred') this.admit(waiting)
      else this.#guard(waiting.file, () => this.#greet(waiting))
    return fresh.length > 0
  }

  /** A message whose key is to be decided on before anything else is done with it. */
  ask(waiting: Waiting): void {
    this.#deps.gate.ask(waiting)
  }

  /** Goes on with an adoption that a crash cut short. */
  async resume(name: Name): Promise<void> {
    this.#guests.add({ name })
    await this.seal()
  }

  /** Moves away what need not stand on the doorstep, a slice at a time. */
  tidy(): void {
    const { agenda } = this.#deps
    const parking = this.#parking.splice(0, AT_ONCE)
    if (parking.length === 0) parking.push(...agenda.excess(DOORSTEP).slice(0, AT_ONCE))
    for (const waiting of parking) this.#guard(waiting.file, () => this.#park(waiting))
  }

  /** Puts a waiting message on the agenda; false when it is in flight, or its twin counts. */
  admit(waiting: Waiting): boolean {
    const { agenda, claims } = this.#deps
    if (claims.has(waiting.id)) return false
    const known = agenda.get(waiting.id)
    if (known !== undefined) {
      if (known.file === waiting.file && known.state === waiting.state) return true
      if (!this.#settleTwins(known, waiting)) return false
    }
    agenda.add(waiting)
    return true
  }

  /** A file in active/ that another user sealed, and whose name fixes its id. */
  takeIn(name: Name, origin: string): void {
    this.#guests.add({ name, origin })
  }

  /** A file in incoming/ that nobody sealed, whatever its name: it rests like any made by hand. */
  letRest(file: string): void {
    this.#doorstep.again(file, 0)
  }

  /** A file that has no business where it is: to incoming/, where hand-made files are looked at. */
  stray(state: State, file: string): void {
    const name = parseName(file)
    const target =
      name === undefined ? this.#safeName(Buffer.from(file)) : formatName(unclaimed(name))
    this.#deps.mover.move(state, file, 'incoming', target)
  }

  #guard(file: string, act: () => void): void {
    if (!this.#trouble.guard(`incoming/${file}`, act)) this.#doorstep.again(file, RETRY)
  }

  #greet(waiting: Waiting): void {
    if (!this.admit(waiting)) return
    const { agenda, clock } = this.#deps
    const fits = waiting.due <= clock.now() && agenda.get(waiting.id) !== undefined
    if (!fits && this.#parking.length < MOST_PARKING) this.#parking.push(waiting)
  }

  /** Two files with one id. True: the new one counts; the other is gone, or was already. */
  #settleTwins(known: Waiting, other: Waiting): boolean {
    const { layout, mover } = this.#deps
    const path = layout.file(known.state, known.file)
    const verdict = compareTwins(path, layout.file(other.state, other.file))
    if (verdict === 'first') mover.remove(other.state, other.file)
    else if (verdict === 'second') mover.remove(known.state, known.file)
    else {
      const why = `another message has its id: ${known.state}/${known.file}`
      putAside(this.#deps, other.state, other.file, why)
    }
    return verdict === 'second'
  }

  /** incoming -> deferred for what cannot go now, or hold where its sender says so. */
  #park(waiting: Waiting): void {
    const { mover, agenda, clock } = this.#deps
    const { id, file } = waiting
    const to = this.#placeOf(waiting)
    const known = agenda.get(id)
    if (known?.state === 'incoming' && known.file === file) agenda.forget(id)
    if (to === undefined) return
    if (to === 'hold') tellHold(this.#deps, clock.now(), 'incoming', file)
    const parked = mover.move('incoming', file, to)
    if (parked !== undefined && to === 'deferred') agenda.add(waitingIn(to, parked)!)
  }

  /** Where a message belongs that cannot go now; undefined: it stays, or is gone. */
  #placeOf(waiting: Waiting): 'deferred' | 'hold' | undefined {
    const { layout, claims, gate } = this.#deps
    const { id, file } = waiting
    const path = layout.file('incoming', file)
    try {
      const { hold, key } = readEnvelope(path)
      if (hold !== true && key === undefined) return 'deferred'
      const { envelope, trail } = readMessage(path)
      if (!gate.passes(envelope, trail)) {
        gate.ask(waiting)
        return undefined
      }
      return holdsAtDoor(envelope, trail) ? 'hold' : 'deferred'
    } catch (error) {
      if (isMissing(error)) return undefined
      if (error instanceof Unsealed) this.letRest(file)
      else if (error instanceof NewerFormatError) claims.judge.leaveAlone(id, error)
      // Whatever else is wrong with it is found, and said, when it is claimed.
      else return 'deferred'
      return undefined
    }
  }

  /** Fixes the id of a hand-made file by its name in active/. */
  #takeStrange(file: string, stat: Stats): void {
    const { mover, clock, claims, nextId } = this.#deps
    const again = file.endsWith(AGAIN)
    const name = parseName(again ? file.slice(0, -AGAIN.length) : file)
    if (stat.isFile() && this.#isSealed(file)) {
      const waiting = waitingIn('incoming', file)
      if (waiting !== undefined) {
        this.#doorstep.welcome(file)
        this.#greet(waiting)
        return
      }
    }
    const fixed = adoptName(name?.id ?? nextId(), clock.now(), claims.nextToken())
    if (!mover.move('incoming', file, 'active', formatName(fixed))) return
    this.#guests.add(again ? { name: fixed } : { name: fixed, origin: file })
  }

  /** False for what is to be adopted, or is nothing; throws what cannot be read or is newer. */
  #isSealed(file: string): boolean {
    try {
      readEnvelope(this.#deps.layout.file('incoming', file))
      return true
    } catch (error) {
      if (error instanceof Unsealed || error instanceof Defect) return false
      throw error
    }
  }

  /** Names that are no UTF-8 cannot be written as text: such files get one that can. */
  #renameOdd(): void {
    const folder = this.#deps.layout.folder('incoming')
    for (const raw of readdirSync(folder, { encoding: 'buffer' })) {
      const text = raw.toString('utf8')
      if (isStaged(text) || Buffer.from(text).equals(raw)) continue
      const source = Buffer.concat([Buffer.from(`${folder}/`), raw])
      renameSync(source, this.#deps.layout.file('incoming', this.#safeName(raw)))
    }
  }

  /** A name that nothing else has, and in which a person recognises the old one. */
  #safeName(raw: Buffer): string {
    const readable = raw.toString('latin1').replace(/[^\x21-\x7e]/g, '_')
    return `${this.#deps.claims.nextToken()}-${readable.slice(0, 200)}`
  }
}

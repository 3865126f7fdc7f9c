/**
 * doorkeeper - brings what stands in incoming/ to where it belongs, and keeps it almost empty.
 *
 * What is due stays on the agenda until it is claimed; what is not, and what is too much to
 * stand there (its lane is full), waits in deferred/. Files made by hand are adopted; what is no
 * message goes to corrupt/ with its reason. What other users put there waits for its turn
 * (visitors.ts). What cannot be opened or moved stays, is said once, and is tried once a minute;
 * it never keeps another one waiting.
 */
import { readdirSync, renameSync } from 'node:fs'
import type { Stats } from 'node:fs'

import type { State } from '../../message/state.ts'
import { adoptName } from './adopt.ts'
import { putAside } from './aside.ts'
import { Doorstep } from './doorstep.ts'
import type { Found } from './doorstep.ts'
import { AGAIN, Guests, RETRY } from './guests.ts'
import type { GuestDeps } from './guests.ts'
import { letIn } from './let-in.ts'
import { formatName, idIn, isStaged, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Parking } from './parking.ts'
import { Defect, Unsealed, readEnvelope } from './read.ts'
import { Trouble } from './trouble.ts'
import { compareTwins } from './twins.ts'
import { Visitors } from './visitors.ts'
import type { Visitor } from './visitors.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** Adopted in one go: each is copied and synced. */
const ADOPTED_AT_ONCE = 64
interface Deps extends Omit<GuestDeps, 'again'> {
  readonly nextId: () => string
}

export class Doorkeeper {
  readonly #deps: Deps
  readonly #doorstep: Doorstep
  readonly #guests: Guests
  readonly #trouble: Trouble
  readonly #visitors: Visitors
  readonly #parking: Parking
  /** Made by hand, rested, and not taken in yet. */
  #strange: Found['strange'][number][] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#doorstep = new Doorstep(deps.layout, deps.clock, (file) => this.#isWaiting(file))
    this.#trouble = new Trouble(deps.report)
    this.#visitors = new Visitors(deps.layout, deps.quota)
    const again = (file: string, wait: number) => this.#doorstep.again(file, wait)
    this.#guests = new Guests({ ...deps, again })
    const letRest = (file: string) => this.letRest(file)
    this.#parking = new Parking({ ...deps, letRest })
  }

  /** When there is something to do though nothing rings (epoch ms). */
  get nextLook(): number | undefined {
    const { clock, gate } = this.#deps
    if (this.#strange.length > 0 || this.#visitors.waits) return clock.now()
    const { nextLook: look = Infinity } = this.#doorstep
    const { nextLook: parking = Infinity } = this.#parking
    const next = Math.min(look, parking, gate.nextLook ?? Infinity)
    return next === Infinity ? undefined : next
  }

  /** A look was put off: what came is not known yet. */
  get owesLook(): boolean {
    return this.#doorstep.owesLook
  }

  /** Something may have come: the next look has to find out. */
  hint(): void {
    this.#doorstep.hint()
  }

  /** Looks at incoming/, and takes in what came. */
  look(): void {
    const rung = this.#doorstep.rung()
    if (rung !== undefined) this.#guard(rung.file, () => this.#greetAlone(rung))
    const found = this.#doorstep.look()
    if (found !== undefined) this.#sort(found)
    for (const { file, stat } of this.#strange.splice(0, ADOPTED_AT_ONCE))
      this.#guard(file, () => this.#takeStrange(file, stat))
    this.#visitors.admit((visitor) => this.#letIn(visitor))
  }

  #sort({ known, strange, odd }: Found): void {
    const { agenda } = this.#deps
    const visitors = this.#visitors
    this.#parking.begin()
    visitors.begin()
    for (const waiting of known) {
      const { file, id } = waiting
      this.#guard(file, () => {
        if (agenda.get(id)?.file === file || !visitors.meet(file)) this.#greet(waiting)
      })
    }
    const ours = strange.filter(({ file, stat }) => !visitors.meetRested(file, stat.uid))
    visitors.end()
    this.#strange = ours
    if (odd) this.#trouble.guard('incoming/', () => this.#renameOdd())
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

  /** True for one that is here before it waits again: to be adopted, or asked for its key. */
  has(id: string): boolean {
    return this.#deps.gate.has(id) || this.#guests.has(id)
  }

  /** Goes on with an adoption that a crash cut short. */
  async resume(name: Name): Promise<void> {
    this.#guests.add({ name })
    await this.seal()
  }

  /** Moves away what need not stand on the doorstep, a slice at a time. */
  tidy(): void {
    for (const waiting of this.#parking.next())
      this.#guard(waiting.file, () => this.#parking.park(waiting))
    this.#parking.done()
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

  /** True for what is due and on the agenda: of a crowd, most of a look. */
  #isWaiting(file: string): boolean {
    const { agenda, clock } = this.#deps
    const known = agenda.get(idIn(file))
    return known?.state === 'incoming' && known.file === file && known.due <= clock.now()
  }

  #guard(file: string, act: () => void): void {
    if (!this.#trouble.guard(`incoming/${file}`, act)) this.#doorstep.again(file, RETRY)
  }

  /** One of which no look said what else is there: only where no other may have to go first. */
  #greetAlone(waiting: Waiting): void {
    const { agenda } = this.#deps
    if (waiting.chain !== undefined || agenda.someWhole) return
    if (!this.#visitors.isOne(waiting.file)) this.#greet(waiting)
  }

  #greet(waiting: Waiting): void {
    if (!this.admit(waiting)) return
    const { agenda, clock } = this.#deps
    const fits = waiting.due <= clock.now() && agenda.get(waiting.id) !== undefined
    if (!fits) this.#parking.add(waiting)
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

  /** A file of another user, whose turn it is; the bytes that are to be copied. */
  #letIn(visitor: Visitor): number {
    let bytes = 0
    this.#guard(visitor.file, () => {
      const came = letIn(this.#deps, visitor)
      if (came.kind === 'rests') this.letRest(visitor.file)
      if (came.kind !== 'guest') return
      this.#guests.add(came.guest)
      bytes = came.bytes
    })
    return bytes
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

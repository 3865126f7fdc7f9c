/**
 * watch - what had been promised at each moment of a recorded run, and what had gone out.
 *
 * Messages are told apart by their marks (`mark-1`), which stand in their first lines and,
 * but for repeats by key, in their URLs. A yes counts from the moment in which the program begins to print it.
 */
import { basename, dirname } from 'node:path'

import { STATES } from '../../src/message/state.ts'
import { markIn } from '../crash/census.ts'
import type { Scenario } from '../crash/scenario.ts'
import type { Disk } from './disk.ts'
import type { Step } from './trace.ts'

/** What must be true of a message after a power cut. */
export interface Promised {
  readonly mark: string
  /** The message as it was when it was promised; undefined: nothing was. */
  readonly original?: Buffer
  /** It was in corrupt/ when it was promised. */
  readonly wasCorrupt: boolean
  /** It may be gone: it was delivered, or an operator's delete is under way. */
  readonly mayBeGone: boolean
  /** The folder in which a command said that it is now; 'gone' when it said that it deleted. */
  readonly said?: string
  /** The receiver said yes to it. */
  readonly delivered: boolean
  /** The mark of the message that it repeats by its key. */
  readonly repeats?: string
  /** A new message with its mark may be there beside it, or in its place. */
  readonly twice?: true
  /** It was on the wire, and the receiver may have it. */
  readonly onWire: boolean
}

export class Watch {
  readonly #disk: Disk
  readonly #ids = new Map<string, string>()
  readonly #originals = new Map<string, Buffer>()
  readonly #corrupt = new Set<string>()
  readonly #said = new Map<string, string>()
  readonly #asked = new Map<string, string>()
  readonly #wire = new Set<string>()
  readonly #delivered = new Set<string>()
  readonly #removed = new Set<string>()
  readonly #marks: readonly string[]
  readonly #repeats: Readonly<Record<string, string>>
  readonly #twice: boolean

  /** What is on the disk to begin with was promised before. */
  constructor(
    disk: Disk,
    { ends, repeats = {}, twice = false }: Pick<Scenario, 'ends' | 'repeats' | 'twice'>,
  ) {
    const marks = Object.keys(ends)
    this.#repeats = repeats
    this.#twice = twice
    this.#disk = disk
    this.#marks = marks
    for (const mark of marks) this.#promise(mark)
  }

  /** Sees a call after the disk did. */
  see(step: Step): void {
    if (step.kind === 'asked') this.#ask(step.socket, step.text)
    else if (step.kind === 'heard') this.#hear(step.socket, step.text)
    else if (step.kind === 'said') this.#hearSaid(step.text)
    else if (step.kind === 'rename') this.#know(step.to)
    else if (step.kind === 'unlink')
      for (const mark of this.#marks)
        if (this.#originals.has(mark) && this.#placeOf(mark) === undefined)
          this.#removed.add(mark)
  }

  /** All of it at this moment. */
  promised(): Promised[] {
    return this.#marks.map((mark) => {
      const original = this.#originals.get(mark)
      const said = this.#said.get(mark)
      const delivered = this.#delivered.has(mark)
      const repeats = this.#repeats[mark]
      return {
        mark,
        ...(original === undefined ? {} : { original }),
        ...(said === undefined ? {} : { said }),
        ...(repeats === undefined ? {} : { repeats }),
        ...(this.#twice ? { twice: true } : {}),
        wasCorrupt: this.#corrupt.has(mark),
        mayBeGone: delivered || this.#removed.has(mark),
        delivered,
        onWire: this.#wire.has(mark),
      }
    })
  }

  #promise(mark: string): void {
    const [path, bytes] = this.#files(mark)[0] ?? []
    if (path === undefined) return
    this.#originals.set(mark, bytes!)
    if (dirname(path).endsWith('corrupt')) this.#corrupt.add(mark)
    this.#know(path)
  }

  #know(path: string): void {
    const id = /[0-7][0-9A-HJKMNP-TV-Z]{25}/.exec(basename(path))?.[0]
    const mark = markOf(this.#disk.live.get(path)?.live)
    if (id !== undefined && mark !== undefined) this.#ids.set(id, mark)
  }

  #ask(socket: string, text: string): void {
    const mark = /^[A-Z]+ \/(mark-\d+) HTTP/.exec(text)?.[1]
    if (mark === undefined) return
    this.#asked.set(socket, mark)
    this.#wire.add(mark)
  }

  #hear(socket: string, text: string): void {
    const mark = this.#asked.get(socket)
    const status = /^HTTP\/1.1 (\d)/.exec(text)?.[1]
    if (mark === undefined || status === undefined) return
    this.#asked.delete(socket)
    this.#wire.delete(mark)
    if (status === '2') this.#delivered.add(mark)
  }

  #hearSaid(text: string): void {
    for (const [id, mark] of this.#ids) {
      if (!text.includes(id)) continue
      if (!this.#originals.has(mark)) this.#promise(mark)
      const place = this.#placeOf(mark)
      this.#said.set(mark, place === undefined ? 'gone' : basename(dirname(place)))
    }
  }

  #placeOf(mark: string): string | undefined {
    return this.#files(mark)[0]?.[0]
  }

  /** Files of a message that are not staged, the longest first. */
  #files(mark: string): [string, Buffer][] {
    return [...this.#disk.live]
      .filter(([path, { live }]) => isMessage(path) && markOf(live) === mark)
      .map(([path, { live }]): [string, Buffer] => [path, live])
      .toSorted(([, a], [, b]) => b.length - a.length)
  }
}

/** False for what is staged, and for the journal, which names messages too. */
export function isMessage(path: string): boolean {
  const states: readonly string[] = STATES
  return states.includes(basename(dirname(path))) && !basename(path).startsWith('.')
}

/** The mark of a message, by its first line. */
export function markOf(bytes: Buffer | undefined): string | undefined {
  return bytes === undefined ? undefined : markIn(bytes)
}

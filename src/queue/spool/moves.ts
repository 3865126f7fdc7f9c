/**
 * moves - the state table of spool/README.md as the code keeps it. Nothing else moves files.
 *
 * A move is one rename, never over another file. A file that is not there any more was moved by
 * somebody else first: that is `undefined` and never an error. Anything else that fails is
 * thrown, and the file is where it was.
 */
import { lstatSync, renameSync } from 'node:fs'

import { removeFile, removeSync, syncFolderSync } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import type { State } from '../../message/state.ts'
import type { Layout } from './layout.ts'
import { laterName } from './name.ts'

export interface Move {
  readonly from: State
  readonly to: State | 'gone'
  readonly when: string
}

/** Every legal move. `from` a state to itself is no move but a new name. */
export const MOVES: readonly Move[] = [
  { from: 'incoming', to: 'active', when: 'claimed, or taken in for adoption' },
  { from: 'incoming', to: 'deferred', when: 'cannot go now: not due, or its lane is full' },
  { from: 'incoming', to: 'hold', when: 'its envelope says hold, or an operator does' },
  {
    from: 'incoming',
    to: 'bounce',
    when: "expired by an operator; its key is another message's",
  },
  {
    from: 'incoming',
    to: 'gone',
    when: 'deleted by an operator; a twin that says less; a repeat by key',
  },
  { from: 'incoming', to: 'corrupt', when: 'disproved' },
  { from: 'deferred', to: 'active', when: 'claimed: due, and its lane has room' },
  {
    from: 'deferred',
    to: 'incoming',
    when: 'flushed, requeued, or due earlier after the clock went back; a name that is not ours',
  },
  { from: 'deferred', to: 'hold', when: 'held by an operator' },
  {
    from: 'deferred',
    to: 'bounce',
    when: "expired by an operator; its key is another message's",
  },
  {
    from: 'deferred',
    to: 'gone',
    when: 'deleted by an operator; a twin that says less; a repeat by key',
  },
  { from: 'deferred', to: 'corrupt', when: 'disproved' },
  {
    from: 'active',
    to: 'gone',
    when: 'delivered; fanned out or dropped; deleted in time; a twin that says less',
  },
  { from: 'active', to: 'deferred', when: 'temporary failure, or put back uncharged' },
  {
    from: 'active',
    to: 'bounce',
    when: 'permanent failure, tried past its lifetime, or expired by an operator in time',
  },
  {
    from: 'active',
    to: 'hold',
    when: 'its envelope says hold, a rule or an operator does, or the daemon died of it',
  },
  {
    from: 'active',
    to: 'incoming',
    when: 'stop, recovery, adopted; made of an event; not sealed, or its key is not decided on',
  },
  { from: 'active', to: 'corrupt', when: 'disproved' },
  { from: 'hold', to: 'incoming', when: 'released or requeued' },
  { from: 'hold', to: 'bounce', when: 'expired by an operator' },
  { from: 'hold', to: 'gone', when: 'deleted by an operator, or sent on as a new one' },
  { from: 'bounce', to: 'incoming', when: 'requeued' },
  {
    from: 'bounce',
    to: 'gone',
    when: 'deleted by an operator, or sent on as a new one; past its time in bounce',
  },
  { from: 'corrupt', to: 'incoming', when: 'requeued' },
  {
    from: 'corrupt',
    to: 'gone',
    when: "deleted by an operator; another user's, over his bound",
  },
]

/** Moves files between the folders of one spool, and remembers which of them to sync. */
export class Mover {
  readonly #layout: Layout
  readonly #cautious: boolean
  readonly #legal: ReadonlySet<string>
  readonly touched = new Set<State>()

  constructor(layout: Layout, cautious: boolean, moves: readonly Move[] = MOVES) {
    this.#layout = layout
    this.#cautious = cautious
    this.#legal = new Set(moves.map((move) => `${move.from} ${move.to}`))
  }

  /**
   * Renames one file from state to state: the name it has there, or undefined when it was gone.
   * Where the name is taken it gets one a millisecond later: rename(2) would overwrite.
   */
  move(from: State, name: string, to: State, newName: string = name): string | undefined {
    this.#check(from, to)
    const source = this.#layout.file(from, name)
    let free = newName
    for (let later = 1; ; later++) {
      const taken = inodeOf(this.#layout.file(to, free))
      if (taken === undefined) break
      // Two links of one file: rename(2) would leave both, and say that it succeeded.
      if (taken === inodeOf(source)) return this.#drop(from, name) ? free : undefined
      free = laterName(newName, later)
    }
    if (!this.#rename(source, this.#layout.file(to, free))) return undefined
    this.#note(from, to)
    return free
  }

  /**
   * Moves a file into active/ under a name that ends in a token of its own, so that nothing can
   * have it; false when it was gone. A link that stays behind is its twin, and found as such.
   */
  claim(from: State, name: string, newName: string): boolean {
    this.#check(from, 'active')
    const target = this.#layout.file('active', newName)
    if (!this.#rename(this.#layout.file(from, name), target)) return false
    this.#note(from, 'active')
    return true
  }

  /** Gives a file another name in its own folder, which changes no state; false: gone. */
  rename(state: State, name: string, newName: string): boolean {
    this.touched.add(state)
    return this.#rename(this.#layout.file(state, name), this.#layout.file(state, newName))
  }

  /** Removes one file for good; false when it was gone. */
  remove(from: State, name: string): boolean {
    this.#check(from, 'gone')
    return this.#drop(from, name)
  }

  /** The same in the thread pool. */
  async removeAside(from: State, name: string): Promise<boolean> {
    this.#check(from, 'gone')
    try {
      await removeFile(this.#layout.file(from, name))
      // Only now: a sync that came in between would not have made it durable.
      this.touched.add(from)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  #note(from: State, to: State): void {
    this.touched.add(from).add(to)
    if (this.#cautious) for (const state of [to, from]) this.#sync(state)
  }

  /** The file is moved, whatever becomes of it: who syncs what is `touched` says what the disk says. */
  #sync(state: State): void {
    try {
      syncFolderSync(this.#layout.folder(state))
    } catch {
      // It stays touched.
    }
  }

  #rename(source: string, target: string): boolean {
    try {
      renameSync(source, target)
    } catch (error) {
      if (!isMissing(error)) throw error
      if (inodeOf(source) === undefined) return false
      // It is the folder that somebody removed.
      this.#layout.make()
      renameSync(source, target)
    }
    return true
  }

  #drop(from: State, name: string): boolean {
    this.touched.add(from)
    return removeSync(this.#layout.file(from, name))
  }

  #check(from: State, to: State | 'gone'): void {
    if (!this.#legal.has(`${from} ${to}`))
      throw new Error(`bug: the state table has no move from ${from} to ${to}`)
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino
}

/**
 * moves - the state table of spool/README.md as the code keeps it. Nothing else moves files.
 *
 * A move is one rename. A file that is not there any more was moved by somebody else first:
 * that is `false` and never an error. Anything else that fails is thrown, and the file is
 * where it was.
 */
import { closeSync, fsyncSync, lstatSync, openSync, renameSync } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import { removeSync } from '../../base/durable.ts'
import type { State } from '../../message/state.ts'
import type { Layout } from './layout.ts'

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
  { from: 'incoming', to: 'bounce', when: 'expired by an operator' },
  { from: 'incoming', to: 'gone', when: 'deleted by an operator' },
  { from: 'incoming', to: 'corrupt', when: 'disproved' },
  { from: 'deferred', to: 'active', when: 'claimed: due, and its lane has room' },
  {
    from: 'deferred',
    to: 'incoming',
    when: 'flushed or requeued; a name that is not ours',
  },
  { from: 'deferred', to: 'hold', when: 'held by an operator' },
  { from: 'deferred', to: 'bounce', when: 'expired by an operator' },
  { from: 'deferred', to: 'gone', when: 'deleted by an operator' },
  { from: 'deferred', to: 'corrupt', when: 'disproved' },
  { from: 'active', to: 'gone', when: 'delivered' },
  { from: 'active', to: 'deferred', when: 'temporary failure, or put back uncharged' },
  { from: 'active', to: 'bounce', when: 'permanent failure, or tried past its lifetime' },
  {
    from: 'active',
    to: 'hold',
    when: 'held: by its envelope, or as the daemon died of it',
  },
  { from: 'active', to: 'incoming', when: 'stop, recovery, or adopted' },
  { from: 'active', to: 'corrupt', when: 'disproved' },
  { from: 'hold', to: 'incoming', when: 'released or requeued' },
  { from: 'hold', to: 'bounce', when: 'expired by an operator' },
  { from: 'hold', to: 'gone', when: 'deleted by an operator' },
  { from: 'bounce', to: 'incoming', when: 'requeued' },
  { from: 'bounce', to: 'gone', when: 'deleted by an operator' },
  { from: 'corrupt', to: 'incoming', when: 'requeued' },
  { from: 'corrupt', to: 'gone', when: 'deleted by an operator' },
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

  /** Renames one file from state to state; false when it was gone. */
  move(from: State, name: string, to: State, newName: string = name): boolean {
    this.#check(from, to)
    const source = this.#layout.file(from, name)
    const target = this.#layout.file(to, newName)
    try {
      renameSync(source, target)
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
    this.touched.add(from).add(to)
    if (this.#cautious) for (const state of [to, from]) this.#sync(state)
    return true
  }

  /** Gives a file another name in its own folder, which changes no state. */
  rename(state: State, name: string, newName: string): void {
    renameSync(this.#layout.file(state, name), this.#layout.file(state, newName))
    this.touched.add(state)
  }

  /** Removes one file for good; false when it was gone. */
  remove(from: State, name: string): boolean {
    this.#check(from, 'gone')
    this.touched.add(from)
    return removeSync(this.#layout.file(from, name))
  }

  /**
   * Removes a name that stayed behind its own rename: two links of one file, of which rename(2)
   * leaves both and says that it succeeded.
   */
  dropLink(from: State, name: string, inode: number): void {
    const source = this.#layout.file(from, name)
    try {
      if (lstatSync(source).ino === inode) removeSync(source)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  #check(from: State, to: State | 'gone'): void {
    if (!this.#legal.has(`${from} ${to}`))
      throw new Error(`bug: the state table has no move from ${from} to ${to}`)
  }

  #sync(state: State): void {
    const fd = openSync(this.#layout.folder(state), 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

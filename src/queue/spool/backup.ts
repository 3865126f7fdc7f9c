/**
 * backup - copies a spool that may be served meanwhile. Every message that was durable when it
 * began, and is not gone when it ends, is in the copy, once, as it was at some time in between.
 *
 * A message moves by rename while folders are read, and a list of names alone can miss it for as
 * long as it moves. So all folders are watched before the first is read: what is not where it was
 * is heard of where it arrives. Folders are read again, those that messages leave before those that
 * they arrive in, until nothing was missing and nothing was new.
 * What is in flight is put into incoming/, as a recovery would do it, and an event whose children
 * are made is its children: those that are not published yet are named as if they were. Keys and
 * what was told come first, so that they know of nothing that is not in the copy; what is made by
 * hand comes last, so that it is not there a second time under the id that it gets.
 * Nothing of the source is changed. After an error the target is no backup; what is left of it is
 * the caller's to remove. That its folder is empty is the caller's to know, too.
 */
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { syncFolder } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { idTime, isId } from '../../message/id.ts'
import { ADOPT_LANE } from '../../message/lane.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import { copyFile } from './copy-file.ts'
import { isCommitted, unpublished } from './fan.ts'
import { errorAt, warningAt } from './finding.ts'
import type { Finding } from './finding.ts'
import { Layout, cannotUse } from './layout.ts'
import { formatName, isStaged, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'

export interface BackupOptions {
  /** Epoch ms: what is accepted later need not be in it. */
  readonly beganAt: number
  /** Hears of each file that could not be copied. */
  readonly onFinding: (finding: Finding) => void
  /** How a folder is watched; left out: by inotify. */
  readonly watchFolder?: (
    folder: string,
    onName: (name: string) => void,
  ) => { close(): void }
}

export interface Backup {
  /** Messages, by the state that they have in the copy. */
  readonly messages: Readonly<Partial<Record<State, number>>>
  readonly bytes: number
}

/** Where messages go next comes behind; hold and bounce lead back, and come twice. */
const ORDER: readonly State[] = [
  'bounce',
  'hold',
  'deferred',
  'incoming',
  'active',
  'deferred',
  'incoming',
  'hold',
  'bounce',
  'corrupt',
]
/** What run/ knows that no message says: what was told, and to what fallbacks were made. */
const TOLD = new Set(['bounced.json', 'waiting.json', 'fallback.json', 'expect.json'])
/** Copied and fsynced at a time. */
const AT_ONCE = 16
/** Who moves messages for so many rounds without an end moves them to escape us. */
const MOST_ROUNDS = 200
/** What the kernel knows of reaches a watcher within this time (ms). */
const HEARD = 20

/** Copies a spool into an empty folder, durably. */
export function backUp(from: string, to: string, options: BackupOptions): Promise<Backup> {
  return new Copier(new Layout(from), new Layout(to), options).copy()
}

class Copier {
  readonly #from: Layout
  readonly #to: Layout
  readonly #options: BackupOptions
  /** Ids, and places of files without one, that are in the copy or named as left out. */
  readonly #known = new Set<string>()
  #heard: [State, string][] = []
  /** Of the round: files that had gone when their turn came, and files that were new. */
  #restless = 0
  readonly #messages: Partial<Record<State, number>> = {}
  #bytes = 0

  constructor(from: Layout, to: Layout, options: BackupOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
  }

  async copy(): Promise<Backup> {
    this.#to.make()
    const watchers = this.#watch()
    try {
      await this.#copyPlain('run', (name) => TOLD.has(name))
      await this.#copyPlain('keys', (name) => !isStaged(name))
      await this.#copyPlain('suspended', (name) => !isStaged(name))
      await this.#copyMessages()
      await this.#copyPlain('log', (name) => !isStaged(name))
    } finally {
      for (const watcher of watchers) watcher.close()
    }
    for (const folder of [...STATES, 'keys', 'log', 'run', 'suspended', '.'])
      await syncFolder(`${this.#to.root}/${folder}`)
    return { messages: this.#messages, bytes: this.#bytes }
  }

  #watch(): { close(): void }[] {
    const { watchFolder = byInotify } = this.#options
    const watchers: { close(): void }[] = []
    for (const state of STATES)
      try {
        watchers.push(
          watchFolder(this.#from.folder(state), (name) => this.#heard.push([state, name])),
        )
      } catch (error) {
        if (isMissing(error)) continue
        const hint = 'what moves all the time could be missed without it'
        this.#options.onFinding(
          warningAt(`${state}/`, `cannot be watched: ${plainError(error)}`, hint),
        )
      }
    return watchers
  }

  async #copyMessages(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.#restless = 0
      for (const state of ORDER) {
        await this.#takeAll(state, await this.#namesIn(state), false)
        await this.#takeHeard()
      }
      if (this.#restless > 0) continue
      for (const state of STATES)
        await this.#takeAll(state, await this.#namesIn(state), true)
      await sleep(HEARD)
      await this.#takeHeard()
      if (this.#restless === 0) return
    }
    throw new MsgqError(
      'temporary',
      `backup: ${this.#from.root}: messages move faster than they can be copied`,
      'try again when there is less to do, or stop msgqd for the moment',
    )
  }

  async #takeHeard(): Promise<void> {
    const heard = this.#heard
    this.#heard = []
    for (const state of STATES) {
      const names = heard.filter(([where]) => where === state).map(([, name]) => name)
      if (names.length > 0) await this.#takeAll(state, names, false)
    }
  }

  async #takeAll(state: State, names: readonly string[], byHand: boolean): Promise<void> {
    for (let at = 0; at < names.length; at += AT_ONCE)
      await Promise.all(
        names.slice(at, at + AT_ONCE).map((name) => this.#take(state, name, byHand)),
      )
  }

  /** Copies one file, unless it is known, nobody's, or gone. */
  async #take(state: State, file: string, byHand: boolean): Promise<void> {
    if (isStaged(file)) return
    const name = parseName(file)
    const isOurs = name !== undefined && state !== 'corrupt'
    if (!isOurs) {
      // What is put aside stays, and has nobody to wait for.
      if (byHand || state === 'corrupt')
        await this.#copyOnce(`${state}/${file}`, this.#from.file(state, file), state, file)
      return
    }
    if (state === 'active' && isCommitted(name)) return this.#takeChildren(name)
    // A file that is being adopted is no message yet, and only recovery in active/ knows it.
    const stays = state !== 'active' || name.lane === ADOPT_LANE
    const target = stays ? state : 'incoming'
    const path = this.#from.file(state, file)
    await this.#copyOnce(name.id, path, target, stays ? file : formatName(unclaimed(name)))
  }

  async #takeChildren(event: Name): Promise<void> {
    for (const { staged, child } of unpublished(event, await this.#namesIn('active'))) {
      const path = this.#from.file('active', staged)
      await this.#copyOnce(child.id, path, 'incoming', formatName(child))
    }
  }

  async #copyOnce(key: string, path: string, state: State, file: string): Promise<void> {
    if (this.#known.has(key)) return
    this.#known.add(key)
    const isOld = !isId(key) || idTime(key) <= this.#options.beganAt
    const done = await this.#copyFile(path, this.#to.file(state, file))
    if (done === 'gone') this.#known.delete(key)
    if (isOld && done !== 'left') this.#restless++
    if (done === 'copied') this.#messages[state] = (this.#messages[state] ?? 0) + 1
  }

  async #copyPlain(folder: string, wanted: (name: string) => boolean): Promise<void> {
    const from = `${this.#from.root}/${folder}`
    const names = (await namesIn(from)).filter(wanted)
    for (let at = 0; at < names.length; at += AT_ONCE)
      await Promise.all(
        names
          .slice(at, at + AT_ONCE)
          .map((name) =>
            this.#copyFile(`${from}/${name}`, `${this.#to.root}/${folder}/${name}`),
          ),
      )
  }

  /** Copies one file; `left`: it stays out, which is said. */
  async #copyFile(from: string, to: string): Promise<'copied' | 'gone' | 'left'> {
    const copied = await copyFile(from, to)
    if (copied.kind === 'gone') return 'gone'
    if (copied.kind === 'copied') {
      this.#bytes += copied.bytes
      return 'copied'
    }
    const where = from.slice(this.#from.root.length + 1)
    const isUnread = copied.kind === 'unread'
    const finding = isUnread ? unread(where, copied.error) : strange(where)
    this.#options.onFinding(finding)
    return 'left'
  }

  #namesIn(state: State): Promise<string[]> {
    return namesIn(this.#from.folder(state))
  }
}

function strange(where: string): Finding {
  return warningAt(where, 'is left out: not a regular file')
}

function unread(where: string, error: unknown): Finding {
  const hint = 'run as root, or as the user of the spool'
  return errorAt(where, `is left out: cannot be read: ${plainError(error)}`, hint)
}

/** All names; none of a folder that is not there. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw cannotUse(folder, error)
  }
}

function byInotify(folder: string, onName: (name: string) => void): FSWatcher {
  const watcher = watch(folder, (event, name) => {
    if (event === 'rename' && name !== null && !isStaged(name)) onName(name)
  })
  // A folder that goes away is read again, and then nothing is in it.
  watcher.on('error', () => {})
  return watcher
}

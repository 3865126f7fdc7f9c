/**
 * states - what may be on a disk after a power cut at one moment.
 *
 * All of it where that is few enough; else a sample that a seed decides, which always has the
 * disk as programs saw it, as the last syncs left it, and each beginning of the changes between.
 */
import { dirname } from 'node:path'

import { binds, make } from './disk.ts'
import type { Change, Disk, Inode, Names } from './disk.ts'

/** Path to content; undefined is a folder. */
export type State = ReadonlyMap<string, Buffer | undefined>

/** So many torn lengths of one file are tried, when it has more of them. */
const MOST_CUTS = 100

/** States of a disk, at most about `most` of them. */
export function* statesOf(
  disk: Disk,
  most: number,
  random: () => number,
): Generator<State> {
  const groups = groupsOf(disk.changes).map((group) => closed(group))
  const combinations = groups.reduce((total, { length }) => total * length, 1)
  if (combinations > most / 4) {
    yield* filled(disk, [], most / 16, random)
    for (let n = 1; n <= disk.changes.length; n++)
      yield* filled(disk, disk.changes.slice(0, n), 8, random)
    for (let n = 0; n < most / 16; n++) {
      const some = groups.flatMap((sets) => sets[Math.floor(random() * sets.length)]!)
      yield* filled(disk, some, 8, random)
    }
    return
  }
  for (const kept of product(groups))
    yield* filled(disk, kept.flat(), most / combinations, random)
}

/** One set of names with each content that their files may have. */
function* filled(
  disk: Disk,
  kept: readonly Change[],
  most: number,
  random: () => number,
): Generator<State> {
  const names = new Map(disk.durable)
  const inOrder = kept.toSorted((a, b) => disk.changes.indexOf(a) - disk.changes.indexOf(b))
  for (const change of inOrder) make(names, change)
  const there = [...names].filter(([path]) => isReachable(names, path))
  const unsure = new Map<Inode, readonly Buffer[]>()
  for (const [, inode] of there)
    if (inode.pending.length > 0) unsure.set(inode, contentsOf(inode, random))
  const all = [...unsure.values()].reduce((total, { length }) => total * length, 1)
  const choices = [...unsure.values()]
  const picks = all <= most ? product(choices) : sample(choices, most, random)
  for (const pick of picks) {
    const content = new Map([...unsure.keys()].map((inode, n) => [inode, pick[n]!]))
    yield new Map(
      there.map(([path, inode]) => [
        path,
        inode.folder ? undefined : (content.get(inode) ?? inode.durable),
      ]),
    )
  }
}

function isReachable(names: Names, path: string): boolean {
  for (let at = dirname(path); at !== '.' && at !== '/'; at = dirname(at))
    if (!names.has(at)) return false
  return true
}

/** What a file may hold of which not all is fsynced: whole and nothing first. */
function contentsOf({ durable, live }: Inode, random: () => number): Buffer[] {
  const contents = [live, durable]
  const room = live.length - durable.length
  const cuts = new Set<number>([0, 1, room - 1])
  if (room <= MOST_CUTS) for (let n = 0; n < room; n++) cuts.add(n)
  while (cuts.size < Math.min(room, MOST_CUTS)) cuts.add(Math.floor(random() * room))
  for (const cut of cuts) {
    if (cut < 0 || cut >= room) continue
    const torn = live.subarray(0, durable.length + cut)
    if (cut > 0) contents.push(torn)
    contents.push(Buffer.concat([torn, Buffer.alloc(room - cut)]))
  }
  return contents
}

/** Changes that depend on each other, in their order. */
function groupsOf(changes: readonly Change[]): Change[][] {
  let groups: Change[][] = []
  for (const change of changes) {
    const mine = groups.filter((group) => group.some((other) => binds(other, change)))
    groups = groups.filter((group) => !mine.includes(group))
    groups.push([...mine.flat(), change].toSorted((a, b) => a.end - b.end))
  }
  return groups
}

/** All sets that have with each change the earlier ones that it depends on. */
function closed(group: readonly Change[]): Change[][] {
  let sets: Change[][] = [[]]
  for (const [n, change] of group.entries()) {
    const needed = group.slice(0, n).filter((other) => binds(other, change))
    const more = sets.filter((set) => needed.every((other) => set.includes(other)))
    sets = [...sets, ...more.map((set) => [...set, change])]
  }
  return sets
}

function* product<T>(choices: readonly (readonly T[])[]): Generator<T[]> {
  const [first, ...rest] = choices
  if (first === undefined) yield []
  else for (const one of first) for (const others of product(rest)) yield [one, ...others]
}

function* sample<T>(
  choices: readonly (readonly T[])[],
  most: number,
  random: () => number,
): Generator<T[]> {
  yield choices.map((some) => some[0]!)
  for (let n = 1; n < most; n++)
    yield choices.map((some) => some[Math.floor(random() * some.length)]!)
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

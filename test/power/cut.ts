/**
 * cut - records one scenario, and cuts the power after each call of it in every way that the
 * model allows.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Ground } from '../crash/ground.ts'
import { REST } from '../crash/verdict.ts'
import { Disk } from './disk.ts'
import { judge } from './judge.ts'
import type { Cut } from './scenarios.ts'
import { seeded, statesOf } from './states.ts'
import type { State } from './states.ts'
import { record } from './trace.ts'
import type { Step } from './trace.ts'
import { Watch } from './watch.ts'
import type { Promised } from './watch.ts'

export interface Figures {
  readonly name: string
  /** Moments at which the power was cut, and different disks that it left. */
  readonly points: number
  states: number
  readonly lost: string[]
  readonly wrong: string[]
  tornStaged: number
  tornNamed: number
  recognised: number
  /** Most messages that one cut repeats: settled and not synced; on the wire. */
  repeats: number
  wire: number
  /** Longest from a message that left active/ to the end of the sync that says so (ms). */
  readonly window: number
}

export interface Setting {
  /** A folder on the kind of file system that is to be recorded. */
  readonly below: string
  /** A folder in which states are laid out; in memory it is faster. */
  readonly room: string
  /** States that are judged at one point, at most about. */
  readonly most: number
  readonly seed: number
  /** True for a sync that the model is to ignore: it must then find losses. */
  readonly forget?: (path: string) => boolean
}

/** Cuts the power in one scenario. */
export async function cut(scenario: Cut, setting: Setting): Promise<Figures> {
  const ground = await Ground.make(setting.below)
  try {
    const top = scenario.fresh === undefined ? ground.spool : ground.folder
    const spool = scenario.fresh ?? ''
    if (scenario.fresh !== undefined) rmSync(ground.spool, { recursive: true })
    await scenario.prepare?.(ground)
    if (scenario.rests) await sleep(REST)
    ground.receiver.answer = scenario.answer ?? 200
    const disk = diskOf(top)
    const steps = await recordOn(ground, scenario, top, join(top, spool, 'run'))
    const path = (it: string): string => relative(top, it) || '.'
    const moved = steps.map((step): Step =>
      'to' in step
        ? { ...step, path: path(step.path), to: path(step.to) }
        : 'path' in step
          ? { ...step, path: path(step.path) }
          : step,
    )
    return await cutAll(scenario, setting, disk, moved, top, spool)
  } finally {
    await ground.close()
  }
}

async function recordOn(
  ground: Ground,
  scenario: Cut,
  root: string,
  run: string,
): Promise<Step[]> {
  const { program, words, bare = false, ...rest } = scenario.command(ground)
  // As many threads as it has: their calls come in any order.
  const { UV_THREADPOOL_SIZE: _, ...others } = ground.env(bare)
  const env = { ...others, UV_USE_IO_URING: '0' }
  const argv = ground.argv({ program, words, bare })
  const log = `${ground.folder}.log`
  try {
    const { ran, steps } = await record(argv, { ...rest, env, cwd: ground.folder }, log, {
      root,
      except: [run],
    })
    if (ran.code !== 0)
      throw new Error(`${scenario.name}: ${ran.code}: ${ran.err}${ran.out}`)
    // What a daemon logs is a story; what a command prints is a promise.
    return steps.filter(({ kind }) => kind !== 'said' || program === 'msgq')
  } finally {
    rmSync(log, { force: true })
  }
}

async function cutAll(
  scenario: Cut,
  setting: Setting,
  disk: Disk,
  steps: readonly Step[],
  top: string,
  spool: string,
): Promise<Figures> {
  const watch = new Watch(disk, scenario)
  const figures: Figures = {
    name: scenario.name,
    points: steps.length + 1,
    states: 0,
    lost: [],
    wrong: [],
    tornStaged: 0,
    tornNamed: 0,
    recognised: 0,
    repeats: 0,
    wire: 0,
    window: windowOf(steps),
  }
  const random = seeded(setting.seed)
  const seen = new Set<string>()
  const look = async (): Promise<void> => {
    const promised = watch.promised()
    for (const state of statesOf(disk, setting.most, random)) {
      const key = keyOf(state, promised)
      if (seen.has(key)) continue
      seen.add(key)
      add(figures, await judge(state, promised, setting.room, spool))
    }
  }
  await look()
  for (const step of steps) {
    if (step.kind !== 'sync' || !setting.forget?.(step.path)) disk.apply(step)
    watch.see(step)
    await look()
  }
  if (figures.window === Infinity) figures.wrong.push('what was settled was never synced')
  compare(disk, diskOf(top, join(top, spool, 'run')))
  return figures
}

function add(figures: Figures, judged: Awaited<ReturnType<typeof judge>>): void {
  figures.states++
  figures.lost.push(...judged.lost)
  figures.wrong.push(...judged.wrong)
  figures.tornStaged += judged.tornStaged
  figures.tornNamed += judged.tornNamed
  figures.recognised += judged.recognised
  figures.repeats = Math.max(figures.repeats, judged.repeats)
  figures.wire = Math.max(figures.wire, judged.wire)
}

function keyOf(state: State, promised: readonly Promised[]): string {
  const hash = createHash('sha1')
  for (const [path, bytes] of [...state].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path}\0${bytes?.length}\0`).update(bytes ?? '')
  for (const { original, ...rest } of promised)
    hash.update(`${JSON.stringify(rest)}${original?.length}`)
  return hash.digest('hex')
}

/** What lies in a folder, as long durable. */
function diskOf(top: string, except = join(top, 'run')): Disk {
  const disk = new Disk()
  for (const name of readdirSync(top, { recursive: true }) as string[]) {
    const path = join(top, name)
    if (path.startsWith(except)) continue
    const stat = lstatSync(path)
    if (stat.isDirectory()) disk.put(name, undefined)
    else if (stat.isFile()) disk.put(name, readFileSync(path))
  }
  return disk
}

/** Throws unless the model holds what the real folder holds: else a call was misread. */
function compare({ live }: Disk, real: Disk): void {
  const [ours, theirs] = [live, real.live].map((names) =>
    [...names].map(([path, it]) => `${path} ${it.live.toString('latin1')}`).toSorted(),
  )
  if (JSON.stringify(ours) !== JSON.stringify(theirs))
    throw new Error(`the model is not the disk: ${[...live.keys()].join()}`)
}

function windowOf(steps: readonly Step[]): number {
  let window = 0
  for (const [n, step] of steps.entries()) {
    const settles =
      (step.kind === 'unlink' || step.kind === 'rename') && step.path.startsWith('active/')
    if (!settles) continue
    const sync = steps
      .slice(n)
      .find(
        ({ kind, begin, ...it }) =>
          kind === 'sync' && begin > step.end && 'path' in it && it.path === 'active',
      )
    window = Math.max(window, sync === undefined ? Infinity : sync.at - step.at)
  }
  return Math.round(window * 1000)
}

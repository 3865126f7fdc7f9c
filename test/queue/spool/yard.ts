/**
 * yard - a spool of real files for one test: engines on it, files put there by hand, and what
 * lies where. Its clock runs, and can be moved on.
 */
import { chownSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import type { Clock } from '../../../src/base/clock.ts'
import { seal } from '../../../src/message/envelope.ts'
import type { Draft } from '../../../src/message/draft.ts'
import { laneOf } from '../../../src/message/lane.ts'
import { STATES } from '../../../src/message/state.ts'
import type { State } from '../../../src/message/state.ts'
import type { AttemptLine } from '../../../src/message/trail.ts'
import type { Lease, Report } from '../../../src/queue/queue.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { formatName, parseName } from '../../../src/queue/spool/name.ts'
import type { Name } from '../../../src/queue/spool/name.ts'
import { SpoolEngine } from '../../../src/queue/spool/spool.ts'
import type { SpoolOptions } from '../../../src/queue/spool/spool.ts'

/** The real clock, moved on by hand: what files say of their times stays believable. */
export class FastClock implements Clock {
  #ahead = 0
  #ran = 0
  readonly now = (): number => Date.now() + this.#ahead
  readonly monotonic = (): number => performance.now() + this.#ran
  pass(ms: number): void {
    this.#ahead += ms
    this.run(ms)
  }
  /** Time passes for the daemon, while the wall clock and what files say stand still. */
  run(ms: number): void {
    this.#ran += ms
  }
}

/** Longer than a hand-made file has to rest. */
export const RESTED = 2_500

let numbers = 0

/** Another id each time, in order. */
export function anId(): string {
  return `01JD3Z8K6Q4W5E6R7T8Y${String(numbers++).padStart(6, '0')}`
}

export class Yard {
  readonly root: string
  readonly layout: Layout
  readonly clock = new FastClock()
  readonly reports: Report[] = []
  engine: SpoolEngine
  readonly #options: Partial<SpoolOptions>

  private constructor(root: string, options: Partial<SpoolOptions>) {
    this.root = root
    this.layout = new Layout(root)
    this.#options = options
    this.engine = this.anotherEngine()
  }

  /** A spool that an engine serves, unless `recover` is false. */
  static async open(
    t: Test,
    options: Partial<SpoolOptions> & { recover?: boolean } = {},
  ): Promise<Yard> {
    const { recover = true, ...rest } = options
    // Before testdir, whose own teardown takes the folder away.
    t.teardown(() => yard.engine.close())
    const yard: Yard = new Yard(join(t.testdir(), 'spool'), rest)
    if (recover) await yard.engine.recover()
    return yard
  }

  /** An engine beside ours, as the command line has it. */
  anotherEngine(): SpoolEngine {
    return new SpoolEngine(this.root, {
      clock: this.clock,
      report: (report) => this.reports.push(report),
      create: true,
      anyFilesystem: true,
      messageSizeLimit: 4 * 1024 * 1024,
      takeLock: async () => ({ held: () => true, release: async () => {} }),
      ...this.#options,
    })
  }

  /** As after a kill -9: what was in memory is forgotten. */
  async restart(): Promise<number> {
    // A dead daemon writes nothing; this one still lives.
    await this.engine.noted()
    this.engine = this.anotherEngine()
    return (await this.engine.recover()).interrupted
  }

  path(state: State | 'run', file: string): string {
    return join(this.root, state, file)
  }

  /** Writes a file by hand; one with an `mtime` in the past has rested. */
  put(state: State, file: string, content: string | Uint8Array): string {
    writeFileSync(this.path(state, file), content)
    return file
  }

  /** Files of a folder, without what is staged. */
  ls(state: State): string[] {
    return readdirSync(join(this.root, state)).filter((file) => !file.startsWith('.'))
  }

  /** The one file of a folder. */
  only(state: State): string {
    const files = this.ls(state)
    if (files.length !== 1) throw new Error(`${state}/ has ${files.length} files: ${files}`)
    return files[0]!
  }

  read(state: State, file = this.only(state)): Buffer {
    return readFileSync(this.path(state, file))
  }

  /** How many files lie where; states without any are left out. */
  where(): Partial<Record<State, number>> {
    const counts = STATES.map((state) => [
      state,
      readdirSync(join(this.root, state)).length,
    ])
    return Object.fromEntries(counts.filter(([, count]) => count !== 0)) as Partial<
      Record<State, number>
    >
  }

  /** Ids of what lies anywhere. */
  ids(): string[] {
    return STATES.flatMap((state) =>
      this.ls(state).map((file) => parseName(file)?.id ?? file),
    )
  }

  async send(draft: Draft = { to: 'ops' }, body: string | Uint8Array = 'body') {
    const sender = { uid: process.getuid!() }
    return this.engine.enqueue({ draft, body: Buffer.from(body), sender })
  }

  async claim(
    want: { room?: (lane: string) => number; max?: number } = {},
  ): Promise<readonly Lease[]> {
    // However dear the last look was, the next one is not put off.
    this.clock.run(1_500)
    return this.engine.claim({ room: () => 1000, max: 1000, ...want })
  }

  /** The one lease there is. */
  async lease(): Promise<Lease> {
    const leases = await this.claim()
    if (leases.length !== 1) throw new Error(`${leases.length} leases`)
    return leases[0]!
  }

  /** Claims until something is there: what is read in the background takes its time. */
  async soon(): Promise<readonly Lease[]> {
    for (let n = 0; n < 400; n++) {
      const leases = await this.claim()
      if (leases.length > 0) return leases
      await sleep(5)
    }
    return []
  }

  /** Lets a hand-made file be seen, rest, and be taken in; what became leases. */
  async adopt(): Promise<readonly Lease[]> {
    const early = await this.claim()
    if (early.length > 0) throw new Error('taken before it rested')
    this.clock.pass(RESTED)
    return this.claim()
  }

  async bodyOf(lease: Lease): Promise<Buffer> {
    const body = await this.engine.readBody(lease)
    if (body === undefined) throw new Error('no body')
    if (body.kind === 'bytes') return Buffer.from(body.bytes)
    const chunks: Buffer[] = []
    for await (const chunk of body.open()) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }

  line(outcome: AttemptLine['outcome'] = 'deferred'): AttemptLine {
    return {
      at: new Date(this.clock.now()).toISOString(),
      try: 1,
      outcome,
      reason: 'because',
    }
  }

  /** Reports of one kind. */
  said(event: Report['event']): Report[] {
    return this.reports.filter((report) => report.event === event)
  }
}

/** A message as `msgq send` seals it, and its name. */
export function sealed(
  more: Partial<Name> & { body?: string | Uint8Array; draft?: Draft; trail?: string } = {},
): { name: string; bytes: Buffer; id: string } {
  const { body = 'body', draft = { to: 'ops' }, trail = '', ...rest } = more
  const id = rest.id ?? anId()
  const now = Date.now()
  const bytes = Buffer.from(body)
  const envelope = seal(draft, bytes, { id, now, sender: { uid: process.getuid!() } })
  const name = { due: now - 60_000, tries: 0, lane: laneOf(draft.to), ...rest, id }
  return {
    id,
    name: formatName(name),
    bytes: Buffer.concat([
      Buffer.from(`${JSON.stringify(envelope)}\n`),
      bytes,
      Buffer.from(`\n${trail}`),
    ]),
  }
}

const NOBODY = 65_534

/**
 * Does something as a user for whom modes count. Files under `root` become his; where we are
 * not root we are that user already.
 */
export async function asPlainUser<T>(root: string, act: () => Promise<T>): Promise<T> {
  if (process.getuid!() !== 0) return act()
  give(root, NOBODY)
  process.seteuid!(NOBODY)
  try {
    return await act()
  } finally {
    process.seteuid!(0)
  }
}

/** Makes a tree another user's. */
export function give(path: string, uid: number): void {
  if (lstatSync(path).isDirectory())
    for (const file of readdirSync(path)) give(join(path, file), uid)
  chownSync(path, uid, uid)
}

/** Why a test that needs root is skipped, or false. */
export const NEEDS_ROOT = process.getuid!() === 0 ? false : 'only root can give files away'

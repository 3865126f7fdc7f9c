/**
 * world - a machine of its own for a test of the command line: configuration, spool and clock
 * in one folder, and an Io that remembers what was printed.
 *
 * Spools are filled by the real engine, so that what a screen shows is what a daemon leaves.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Test } from 'tap'

import type { Clock } from '../../src/base/clock.ts'
import type { Io } from '../../src/cli/command.ts'
import { warning } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'
import type { Environment } from '../../src/config/find.ts'
import type { Draft } from '../../src/message/draft.ts'
import { idMaker } from '../../src/message/id.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import type { State } from '../../src/message/state.ts'
import type { ActLine, AttemptLine } from '../../src/message/trail.ts'
import type { Lease } from '../../src/queue/queue.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { SpoolEngine } from '../../src/queue/spool/spool.ts'
import { machine, put } from '../config/machine.ts'

// The screens show the time of their reader.
process.env['TZ'] = 'UTC'

export const NOON = Date.parse('2026-11-20T12:00:00.000Z')
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Terminal {
  readonly columns?: number
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

export class World {
  readonly folder: string
  readonly spool: string
  readonly environment: Environment
  readonly engine: SpoolEngine
  #now = NOON
  readonly clock: Clock = { now: () => this.#now, monotonic: () => this.#now }

  private constructor(folder: string, engine: (world: World) => SpoolEngine) {
    this.folder = folder
    this.spool = join(folder, 'spool')
    this.environment = machine(folder, {
      MSGQ_ANY_FILESYSTEM: '1',
      MSGQ_SPOOL: this.spool,
    })
    mkdirSync(this.spool, { mode: 0o750 })
    new Layout(this.spool).make()
    this.engine = engine(this)
  }

  /** A world with an empty spool, and this for msgq.toml. */
  static async open(t: Test, toml = ''): Promise<World> {
    // Before testdir, whose own teardown takes the folder away.
    t.teardown(() => world.engine.close())
    const world: World = new World(t.testdir({}), ({ spool, clock }) => {
      let random = 0
      const fill = (bytes: Uint8Array) => {
        // Endings that differ and are known: ...000001, ...000002.
        bytes.fill(0)
        random++
        bytes[14] = random >> 5
        bytes[15] = random & 31
        return bytes
      }
      return new SpoolEngine(spool, {
        clock,
        anyFilesystem: true,
        // A new maker each time: none of them counts on from the one before.
        nextId: () => idMaker(clock.now, fill)(),
        takeLock: async () => ({ held: () => true, release: async () => {} }),
      })
    })
    if (toml !== '') world.configure(toml)
    await world.engine.recover()
    return world
  }

  /** Writes msgq.toml. */
  configure(toml: string): string {
    return put(join(this.environment.etc, 'msgq/msgq.toml'), toml)
  }

  at(ms: number): void {
    this.#now = ms
  }

  pass(ms: number): void {
    this.#now += ms
  }

  iso(ms = 0): string {
    return new Date(this.#now + ms).toISOString()
  }

  async send(draft: Draft, body = 'hello'): Promise<string> {
    const sender = { uid: 1000, user: 'ann', host: 'web1' }
    return this.engine.enqueue({ draft, body: Buffer.from(body), sender })
  }

  async claim(lane: string): Promise<Lease> {
    const room = (of: string) => (of === lane ? 1 : 0)
    const [lease] = await this.engine.claim({ room, max: 1 })
    if (lease === undefined) throw new Error(`nothing to claim in ${lane}`)
    return lease
  }

  /** Sends, and lets one attempt fail; due again in `wait` ms. */
  async defer(
    draft: Draft,
    wait: number,
    line: Partial<AttemptLine> = {},
  ): Promise<string> {
    const id = await this.send(draft)
    await this.fail(draft, wait, line)
    return id
  }

  /** Lets an attempt succeed, and tells the journal so, as the daemon does. */
  async deliver(lease: Lease, line: Partial<JournalLine> = {}): Promise<void> {
    await this.engine.settle(lease, { to: 'delivered' })
    this.engine.note({ ...this.told(lease.id, 'delivered'), lane: lease.lane, ...line })
    await this.engine.noted()
  }

  /** A line of the journal. */
  told(id: string, event: JournalLine['event']): JournalLine {
    return { at: this.iso(), event, id }
  }

  /** Lets one more attempt in the lane of this draft fail. */
  async fail(draft: Draft, wait: number, line: Partial<AttemptLine> = {}): Promise<void> {
    const lease = await this.claim(draft.to!)
    const due = this.#now + wait
    await this.engine.settle(lease, {
      to: 'deferred',
      due,
      line: { ...this.attempt(lease, 'deferred'), due: this.iso(wait), ...line },
    })
  }

  /** Sends, and lets it bounce. */
  async bounce(draft: Draft, line: Partial<AttemptLine> = {}): Promise<string> {
    const id = await this.send(draft)
    const lease = await this.claim(draft.to!)
    const attempt: AttemptLine = {
      ...this.attempt(lease, 'bounced'),
      reason: '404 Not Found',
      status: 404,
      fault: 'configuration',
      ...line,
    }
    await this.engine.settle(lease, { to: 'bounced', line: attempt })
    return id
  }

  async settle(lane: string, to: 'held' | 'bounced', line: ActLine): Promise<void> {
    await this.engine.settle(await this.claim(lane), { to, line })
  }

  attempt(lease: Lease, outcome: AttemptLine['outcome']): AttemptLine {
    return {
      at: this.iso(),
      try: lease.tries + 1,
      outcome,
      reason: '503 Service Unavailable: "upstream down"',
      fault: 'receiver',
      status: 503,
      answer: 'upstream down',
      ms: 31,
    }
  }

  /** The names in a folder of the spool. */
  files(state: State): string[] {
    return readdirSync(join(this.spool, state)).filter((name) => !name.startsWith('.'))
  }

  /** The path of the one file in a folder. */
  fileIn(state: State): string {
    const [file, ...others] = this.files(state)
    if (file === undefined || others.length > 0) throw new Error(`not one in ${state}`)
    return join(this.spool, state, file)
  }

  /** Runs msgq with its output into a pipe. */
  async run(...argv: string[]): Promise<Ran> {
    return this.runOn({}, ...argv)
  }

  /** Runs msgq on a terminal, if it has columns. */
  async runOn(
    { columns, env = {}, stdin = '' }: Terminal,
    ...argv: string[]
  ): Promise<Ran> {
    const out = new Sink(columns)
    const err = new Sink()
    const io: Io = {
      stdin: Readable.from([stdin]) as unknown as NodeJS.ReadStream,
      stdout: out as unknown as NodeJS.WriteStream,
      stderr: err as unknown as NodeJS.WriteStream,
      environment: {
        ...this.environment,
        env: { ...this.environment.env, ...env },
      },
      clock: this.clock,
      print: async (text) => void out.write(text),
      warn: (...said) => void err.write(warning(...said)),
    }
    const code = await main(argv, io)
    return { code, out: out.text, err: err.text }
  }
}

/** A stream that keeps what is written to it. */
class Sink extends Writable {
  readonly #chunks: Buffer[] = []
  readonly isTTY: boolean
  readonly columns: number | undefined

  constructor(columns?: number) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

/** A screen without the blanks that indent it in a test. */
export function screen(text: string): string {
  const lines = text.replace(/^\n/, '').replace(/\n *$/, '\n').split('\n')
  const indents = lines.filter((line) => line !== '').map((line) => line.search(/\S/))
  const indent = Math.min(...indents)
  return lines.map((line) => line.slice(indent)).join('\n')
}

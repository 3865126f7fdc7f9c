/**
 * sending - a machine of its own for `msgq send`: what goes in on stdin, what comes out, and
 * what lies in the spool afterwards.
 */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Test } from 'tap'

import type { Clock } from '../../src/base/clock.ts'
import type { Io } from '../../src/cli/command.ts'
import { warning } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'
import type { Environment } from '../../src/config/find.ts'
import type { Envelope } from '../../src/message/envelope.ts'
import { machine, put } from '../config/machine.ts'

/** Friday noon, in the zone of whoever runs the tests. */
export const NOON = new Date(2026, 10, 20, 12).getTime()

export interface Setting {
  readonly stdin?: string | Buffer | Iterable<Buffer> | AsyncIterable<Buffer>
  /** stdin and stderr are a terminal. */
  readonly terminal?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Another machine than that of the spool. */
  readonly elsewhere?: Partial<Environment>
  /** Takes the place of stdout. */
  readonly print?: (text: string) => Promise<void>
}

export interface Sent {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly stdinWasOpened: boolean
  /** What this run put into the spool, in the order of its ids. */
  readonly queued: readonly Queued[]
}

export interface Queued {
  readonly name: string
  readonly envelope: Envelope
  readonly body: Buffer
}

export class Sending {
  readonly folder: string
  readonly spool: string
  readonly environment: Environment
  #now = NOON
  readonly clock: Clock = { now: () => this.#now, monotonic: () => this.#now }

  constructor(t: Test, toml = '') {
    this.folder = t.testdir({})
    this.spool = join(this.folder, 'spool')
    mkdirSync(join(this.spool, 'incoming'), { recursive: true })
    this.environment = machine(this.folder, {
      MSGQ_ANY_FILESYSTEM: '1',
      MSGQ_SPOOL: this.spool,
    })
    if (toml !== '') this.configure(toml)
  }

  configure(toml: string): void {
    put(join(this.environment.etc, 'msgq/msgq.toml'), toml)
  }

  put(name: string, bytes: string | Buffer): string {
    return put(join(this.folder, name), bytes)
  }

  pass(ms: number): void {
    this.#now += ms
  }

  async run(argv: readonly string[], setting: Setting = {}): Promise<Sent> {
    const before = new Set(this.#names())
    const out = new Sink(false)
    const err = new Sink(setting.terminal ?? false)
    let stdinWasOpened = false
    let stdin: Readable | undefined
    const io: Io = {
      get stdin() {
        stdinWasOpened = true
        stdin ??= Object.assign(source(setting.stdin ?? ''), {
          isTTY: setting.terminal ?? false,
        })
        return stdin as unknown as NodeJS.ReadStream
      },
      stdout: out as unknown as NodeJS.WriteStream,
      stderr: err as unknown as NodeJS.WriteStream,
      environment: {
        ...this.environment,
        ...setting.elsewhere,
        env: { ...this.environment.env, ...setting.env },
      },
      clock: this.clock,
      print: setting.print ?? (async (text) => void out.write(text)),
      warn: (...said) => void err.write(warning(...said)),
    }
    const code = await main(argv, io)
    const queued = this.#names()
      .filter((name) => !before.has(name))
      .map((name) => this.#read(name))
    return { code, out: out.text, err: err.text, stdinWasOpened, queued }
  }

  /** Everything in incoming/, half-written files too. */
  #names(): string[] {
    return readdirSync(join(this.spool, 'incoming')).toSorted((a, b) =>
      idIn(a) < idIn(b) ? -1 : 1,
    )
  }

  #read(name: string): Queued {
    const bytes = readFileSync(join(this.spool, 'incoming', name))
    const end = bytes.indexOf('\n')
    const envelope = JSON.parse(bytes.toString('utf8', 0, end)) as Envelope
    return { name, envelope, body: bytes.subarray(end + 1, end + 1 + envelope.bytes) }
  }
}

function idIn(name: string): string {
  return name.split(',')[2] ?? name
}

function source(given: NonNullable<Setting['stdin']>): Readable {
  if (given instanceof Readable) return given
  const whole = typeof given === 'string' || Buffer.isBuffer(given)
  return Readable.from(whole ? [Buffer.from(given)] : given, { objectMode: false })
}

/** A stream that keeps what is written to it. */
class Sink extends Writable {
  readonly #chunks: Buffer[] = []
  readonly isTTY: boolean

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

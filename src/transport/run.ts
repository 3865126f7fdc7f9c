/**
 * run - one run of a command: its stdin fed, its output read, its end waited for.
 *
 * Ends exactly once, in data. The command is the leader of a process group of its own; past the
 * time limit, or when told to stop, the group gets SIGTERM and a little later SIGKILL. Keeps
 * the first of what it prints and reads the rest, so that it never waits for us. What it leaves
 * running in the background, and who holds its output then, is not waited for. That it does not
 * read its stdin to the end is its own affair.
 */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

import type { Body } from '../message/body.ts'

/** From SIGTERM to SIGKILL, and from there to where nothing more is waited for (ms). */
const KILL_GRACE = 2_000
/** How long after the end output may still be on its way (ms). */
const LINGER = 500
/** The longest span that a timer of Node's can wait. */
const LONGEST = 2 ** 31 - 1

/** What is run, and on what terms. */
export interface RunOptions {
  readonly command: readonly [string, ...string[]]
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly body: Body
  readonly timeout: number
  /** Bytes of output that are kept. */
  readonly kept: number
}

/** Why we ended it. */
type Cut = 'late' | 'stopped' | 'unreadable'

/** How a run ended. */
export type Ran =
  | { readonly kind: 'unstarted'; readonly error: unknown }
  | {
      readonly kind: 'ended'
      readonly code: number | null
      readonly signal: string | null
      readonly output: Buffer
      /** Absent where it ended by itself. */
      readonly cut?: Cut
      /** Why the body could not be read. */
      readonly error?: unknown
    }

type Program = ChildProcessByStdio<Writable, Readable, Readable>

/** One run. It starts when it is made; `ended` never rejects. */
export class Run {
  readonly ended: Promise<Ran>
  readonly #kept: number
  #resolve: ((ran: Ran) => void) | undefined
  #program: Program | undefined
  #source: Readable | undefined
  #output: Buffer[] = []
  #size = 0
  #cut: Cut | undefined
  #error: unknown
  #exit: { code: number | null; signal: string | null } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: RunOptions) {
    this.#kept = options.kept
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    try {
      this.#start(options)
    } catch (error) {
      // A name with a zero byte, or no descriptor left.
      this.#end({ kind: 'unstarted', error })
    }
  }

  #start({ command, directory, environment, body, timeout }: RunOptions): void {
    const [file, ...words] = command
    const program = spawn(file, words, {
      cwd: directory,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, and no terminal.
      detached: true,
    })
    this.#program = program
    program.on('error', (error) => {
      if (program.pid === undefined) this.#end({ kind: 'unstarted', error })
    })
    program.once('exit', (code, signal) => this.#exited(code, signal))
    program.once('close', () => this.#finish())
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (chunk: Buffer) => this.#keep(chunk))
      stream.on('error', () => {})
    }
    program.stdin.on('error', () => {})
    if (program.pid === undefined) return
    this.#timer = setTimeout(() => this.#kill('late'), Math.min(timeout, LONGEST))
    this.#feed(program.stdin, body)
  }

  #feed(stdin: Writable, body: Body): void {
    if (body.kind === 'bytes') {
      stdin.end(body.bytes)
      return
    }
    let source: Readable
    try {
      source = body.open() as Readable
    } catch (error) {
      this.#unreadable(error)
      return
    }
    this.#source = source
    let length = 0
    // Not by `pipeline`: a body that breaks off must never look like one that ended.
    source.on('error', (error) => this.#unreadable(error))
    source.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (stdin.destroyed || stdin.write(chunk)) return
      source.pause()
    })
    stdin.on('drain', () => source.resume())
    stdin.on('close', () => source.destroy())
    source.on('end', () => {
      if (length === body.length) stdin.end()
      else this.#unreadable(new Error('it is not as long as it was said to be'))
    })
  }

  #unreadable(error: unknown): void {
    if (this.#cut !== undefined || this.#exit !== undefined) return
    this.#error = error
    this.#kill('unreadable')
  }

  #keep(chunk: Buffer): void {
    const room = this.#kept - this.#size
    if (room <= 0) return
    this.#output.push(Buffer.from(chunk.subarray(0, room)))
    this.#size += Math.min(room, chunk.length)
  }

  /** Ends it now: our daemon stops, or its message is wanted back. */
  stop(): void {
    this.#kill('stopped')
  }

  #kill(why: Cut): void {
    if (this.#cut !== undefined || this.#exit !== undefined) return
    this.#cut = why
    this.#signal('SIGTERM')
    this.#again(KILL_GRACE, () => {
      this.#signal('SIGKILL')
      // What hangs in the kernel dies when that lets go of it.
      this.#again(KILL_GRACE, () => this.#finish())
    })
  }

  #again(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }

  /** To the whole group: a shell alone would leave what it waits for behind. */
  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#program!.pid!, signal)
    } catch {
      // It ended by itself.
    }
  }

  #exited(code: number | null, signal: string | null): void {
    this.#exit = { code, signal }
    // Others of its group may not have heard the first one.
    if (this.#cut !== undefined) this.#signal('SIGKILL')
    this.#again(LINGER, () => this.#finish())
  }

  #finish(): void {
    const { code, signal } = this.#exit ?? { code: null, signal: 'SIGKILL' }
    this.#end({
      kind: 'ended',
      code,
      signal,
      output: Buffer.concat(this.#output),
      ...(this.#cut === undefined ? {} : { cut: this.#cut }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    })
  }

  #end(ran: Ran): void {
    if (this.#resolve === undefined) return
    clearTimeout(this.#timer)
    this.#source?.destroy()
    for (const stream of this.#program?.stdio ?? []) stream?.destroy()
    this.#resolve(ran)
    this.#resolve = undefined
    this.#output = []
  }
}

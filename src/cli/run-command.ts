/**
 * run-command - runs another program as if nobody stood between, and watches what comes of it.
 *
 * Its stdin is ours. What it prints goes on as it comes, no faster than our readers take it;
 * who stops reading ours stops it from writing, as in a pipe. What stays here is the last of it
 * and a sum over all of it, and where that is wanted all of stdout. Signals go on to it. Its end is said as a shell says it.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'

import { errnoOf, plainError } from '../base/errno.ts'
import type { Io } from './command.ts'
import { makePipes } from './pipes.ts'
import { Tail } from './tail.ts'

/** Exit codes of a shell for what it could not start. */
const NOT_FOUND = 127
const NOT_RUN = 126

/** Bytes of output that a report shows. */
const SHOWN = 4096

/** How long after the end more output may be on its way, while none comes (ms). */
const LINGER = 1_000

/** Those that mean the command. A terminal sends the last two to all that run on it. */
const PASSED_ON = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const
const OF_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT']

/** A program that runs, and where its output comes from. */
interface Child {
  readonly program: ChildProcess
  readonly stdout: Readable
  readonly stderr: Readable
}

/** How it ended. */
export interface Ended {
  /** As a shell says it: 128+n for a signal, 126 and 127 for what could not be started. */
  readonly code: number
  readonly signal?: string
  /** Why it could not be started. */
  readonly unstarted?: string
  /** What it printed, both streams as they came. */
  readonly output: Tail
  /** All of its stdout, where it was to be kept; undefined when it was too long. */
  readonly stdout?: Buffer
  /** The same for the same output, each stream by itself. */
  readonly digest: string
  readonly startedAt: number
  readonly ms: number
}

export class RunCommand {
  readonly #io: Io
  readonly #quiet: boolean
  /** Bytes of stdout that are kept whole, and then not passed on. */
  readonly #keep: number | undefined
  #kept: Buffer[] = []
  #length = 0
  readonly #tail = new Tail(SHOWN)
  readonly #sums: Hash[] = []
  /** Streams from which a chunk is being passed on, and when the last one was. */
  #writing = 0
  #moved = 0
  #child: ChildProcess | undefined
  #leave: (code: number) => void = () => {}

  constructor(io: Io, options: { readonly quiet: boolean; readonly keep?: number }) {
    this.#io = io
    this.#quiet = options.quiet
    this.#keep = options.keep
  }

  /**
   * Runs it to its end, calls back with how it ended, and resolves with its exit code once
   * nobody holds its output any more: what it left running in the background may.
   */
  async run(
    [file, ...words]: readonly [string, ...string[]],
    then: (ended: Ended) => Promise<void>,
  ): Promise<number> {
    const { clock } = this.#io
    const startedAt = clock.now()
    const from = clock.monotonic()
    const child = start(file, words)
    if ('unstarted' in child) {
      const digest = child.unstarted
      await then({ ...child, output: this.#tail, digest, startedAt, ms: 0 })
      return child.code
    }
    this.#child = child.program
    const deaf = this.#passSignals()
    try {
      const outputs = Promise.all([
        this.#pass(child.stdout, (chunk) =>
          this.#keep === undefined
            ? this.#passChunk(chunk, this.#io.stdout)
            : this.#hold(chunk),
        ),
        this.#pass(child.stderr, (chunk) => this.#passChunk(chunk, this.#io.stderr)),
      ])
      const end = await endOf(child.program)
      this.#child = undefined
      const ms = clock.monotonic() - from
      await Promise.race([outputs, this.#stillness()])
      const digest = this.#sums.map((sum) => sum.copy().digest('hex')).join(' ')
      const left = new Promise<number>((resolve) => {
        this.#leave = resolve
      })
      const stdout = this.#keep === undefined ? {} : this.#held()
      await then({ ...end, ...stdout, output: this.#tail, digest, startedAt, ms })
      return await Promise.race([outputs.then(() => end.code), left])
    } finally {
      deaf()
      child.stdout.destroy()
      child.stderr.destroy()
    }
  }

  async #pass(from: Readable, on: (chunk: Buffer) => Promise<boolean>): Promise<void> {
    const sum = createHash('sha256')
    this.#sums.push(sum)
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        this.#tail.add(chunk)
        sum.update(chunk)
        // To leave the loop closes the pipe, and the command hears of it.
        if (!(await on(chunk))) return
        this.#moved = this.#io.clock.monotonic()
      }
    } catch {
      // It was closed on our side, or cannot be read: what came until then is what there is.
    }
  }

  async #hold(chunk: Buffer): Promise<boolean> {
    this.#length += chunk.length
    // It goes on, as a reader would that throws it away: its exit code may matter to others.
    if (this.#length <= (this.#keep ?? 0)) this.#kept.push(chunk)
    return true
  }

  #held(): Pick<Ended, 'stdout'> {
    return this.#length > (this.#keep ?? 0) ? {} : { stdout: Buffer.concat(this.#kept) }
  }

  /** False when nobody reads it any more. */
  async #passChunk(chunk: Buffer, to: NodeJS.WriteStream): Promise<boolean> {
    if (this.#quiet) return true
    this.#writing++
    try {
      return await new Promise((resolve) => {
        to.write(chunk, (error) => resolve(error == null))
      })
    } finally {
      this.#writing--
    }
  }

  /** Resolves when for a while nothing was passed on and nothing waits to be. */
  async #stillness(): Promise<void> {
    this.#moved = this.#io.clock.monotonic()
    while (this.#writing > 0 || this.#io.clock.monotonic() - this.#moved < LINGER)
      await new Promise((resolve) => setTimeout(resolve, LINGER / 20).unref())
  }

  /** Hands signals on; behind the end of the command they end the waiting. */
  #passSignals(): () => void {
    // To look at process.stdin would open it, and take from the command what it should read.
    const onTerminal = isatty(0) || isatty(2)
    const listener = (signal: NodeJS.Signals) => {
      if (this.#child === undefined) this.#leave(128 + constants.signals[signal])
      else if (!(onTerminal && OF_TERMINAL.includes(signal))) this.#child.kill(signal)
    }
    for (const signal of PASSED_ON) process.on(signal, listener)
    return () => {
      for (const signal of PASSED_ON) process.off(signal, listener)
    }
  }
}

/** Starts it; what there is to say where that fails at once. */
function start(file: string, words: string[]): Child | Unstarted {
  const pipes = makePipes(2)
  const [out, err] = pipes ?? []
  try {
    const program = spawn(file, words, {
      stdio: ['inherit', out?.writer ?? 'pipe', err?.writer ?? 'pipe'],
    })
    const [stdout, stderr] = [out?.reader ?? program.stdout, err?.reader ?? program.stderr]
    if (stdout && stderr) return { program, stdout, stderr }
    // Without descriptors there are not even sockets.
    program.once('error', () => {})
    return { code: NOT_RUN, unstarted: plainError({ code: 'EMFILE' }) }
  } catch (error) {
    for (const { reader } of pipes ?? []) reader.destroy()
    return unstarted(error)
  } finally {
    for (const { writer } of pipes ?? []) closeSync(writer)
  }
}

type Unstarted = Required<Pick<Ended, 'code' | 'unstarted'>>

function unstarted(error: unknown): Unstarted {
  return errnoOf(error) === 'ENOENT'
    ? { code: NOT_FOUND, unstarted: 'command not found' }
    : { code: NOT_RUN, unstarted: plainError(error) }
}

function endOf(child: ChildProcess): Promise<Pick<Ended, 'code' | 'signal' | 'unstarted'>> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      // Another one: a signal that it may not be sent, because it is another user's by now.
      if (child.pid === undefined) resolve(unstarted(error))
    })
    child.once('exit', (code, signal) => {
      if (signal === null) resolve({ code: code! })
      else resolve({ code: 128 + constants.signals[signal], signal })
    })
  })
}

/**
 * machine - a spool of its own with the real msgq, the real msgqd and a receiver, for one test.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { startSink } from '../../src/cli/sink.ts'
import type { Sink, SinkSetup } from '../../src/cli/sink-server.ts'
import { msgqHere } from '../cli/here.ts'

/** What a machine needs of the test that it is for. */
export interface Stage {
  teardown(act: () => unknown): void
  testdir(): string
  fail(what: string): unknown
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export class Machine {
  readonly spool: string
  readonly configFile: string
  readonly #folder: string
  readonly #t: Stage
  #daemon: ChildProcess | undefined
  #log = ''

  constructor(t: Stage) {
    this.#t = t
    // Before testdir, whose own teardown takes the folder away.
    t.teardown(() => this.kill())
    this.#folder = t.testdir()
    this.spool = join(this.#folder, 'spool')
    this.configFile = join(this.#folder, 'msgq.toml')
    this.configure('')
  }

  /** What the daemon printed so far. */
  get log(): string {
    return this.#log
  }

  /** Writes msgq.toml; short delays, so that tests need not wait. */
  configure(more: string): void {
    const text = `spool = "spool"\n[send]\nmin_free = "1MiB"\n[retry]\nmin = "100ms"\n${more}`
    writeFileSync(this.configFile, text)
  }

  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      MSGQ_CONFIG: this.configFile,
      MSGQ_SPOOL: '',
      MSGQ_TO: '',
      MSGQ_ANY_FILESYSTEM: '1',
      // It costs every start of Node some 30 ms.
      NODE_EXTRA_CA_CERTS: '',
    }
  }

  async sink(setup: SinkSetup = {}): Promise<Sink> {
    const sink = await startSink({ port: 0, ...setup })
    this.#t.teardown(() => sink.close())
    return sink
  }

  /** Runs a program of ours to its end, which comes by SIGKILL after so many ms. */
  async run(
    program: 'msgq' | 'msgqd',
    words: readonly string[],
    input = '',
    most?: number,
  ): Promise<Ran> {
    const child = spawn(process.execPath, [resolve('bin', program), ...words], {
      env: this.env,
      ...(most === undefined ? {} : { timeout: most, killSignal: 'SIGKILL' }),
    })
    const [out, err] = [collect(child.stdout), collect(child.stderr)]
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out: out.join(''), err: err.join('') }
  }

  msgq(...words: string[]): Promise<Ran> {
    return this.run('msgq', words)
  }

  /** What msgq shows, without a program of its own: for those who look often. */
  look(...words: string[]): Promise<Ran> {
    return msgqHere(words, this.env, this.#folder)
  }

  /** Starts msgqd and waits until it serves. */
  async start(...words: string[]): Promise<ChildProcess> {
    const daemon = spawn(process.execPath, [resolve('bin/msgqd'), ...words], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#daemon = daemon
    // Of this one: what the last one said is in the log as well.
    const before = this.#log.length
    let serves: () => void = () => {}
    const served = new Promise<void>((resolve) => {
      serves = resolve
    })
    for (const stream of [daemon.stdout, daemon.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString()
        if (/ serves \//.test(this.#log.slice(before))) serves()
      })
    await Promise.race([served, once(daemon, 'exit')])
    if (daemon.exitCode !== null) this.#t.fail(`msgqd does not serve:\n${this.#ending()}`)
    return daemon
  }

  /** Ends the daemon by a signal, and waits until it is gone; its exit code. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const daemon = this.#daemon
    this.#daemon = undefined
    if (daemon === undefined) return null
    if (daemon.exitCode === null && daemon.signalCode === null) {
      daemon.kill(signal)
      await once(daemon, 'exit')
    }
    return daemon.exitCode
  }

  /** The files of a state. */
  files(state: string): string[] {
    return readdirSync(join(this.spool, state)).filter((name) => !name.startsWith('.'))
  }

  /** Waits for something for at most so many ms; fails the test when it does not come. */
  async until(
    what: string,
    done: () => boolean | Promise<boolean>,
    ms = 20_000,
  ): Promise<void> {
    const end = performance.now() + ms
    while (performance.now() < end) {
      if (await done()) return
      await sleep(20)
    }
    this.#t.fail(`waited ${ms} ms in vain: ${what}\n${this.#ending()}`)
  }

  /** Whether the daemon lives, and what it said last. */
  #ending(): string {
    const code = this.#daemon?.exitCode ?? undefined
    const state = code === undefined ? 'serves, or was killed' : `ended with ${code}`
    return `msgqd ${state}:\n${this.#log.slice(-2000)}`
  }
}

function collect(stream: NodeJS.ReadableStream): string[] {
  const chunks: string[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  return chunks
}

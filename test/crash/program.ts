/**
 * program - runs a program to its end, or ends it when it hangs.
 *
 * A program gets a process group of its own: who traces and who is traced end together.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'

/** Nothing takes so long unless it hangs (ms). */
const PATIENCE = 60_000
/** Programs that run at once; the machine has others to do. */
const AT_ONCE = 2

/** What a program came to. */
export interface Ran {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined
  readonly out: string
  readonly err: string
  /** We ended it: it hung. */
  readonly hung: boolean
}

/** A program that runs. */
export interface Running {
  /** Resolves once its output matches, or it has ended. */
  said(what: RegExp): Promise<void>
  /** Sends a signal to the daemon itself, not to who traces it. */
  signal(name: NodeJS.Signals): void
  /** False once it has ended. */
  alive(): boolean
}

export interface Setting {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly input?: string | undefined
  /** Called once it runs: a daemon has to be told when to end. */
  readonly drive?: ((running: Running) => Promise<void>) | undefined
  readonly patience?: number | undefined
  /** It mostly sleeps, and does not count among those that run at once. */
  readonly idle?: boolean | undefined
}

/** Runs a program until it ends. */
export async function runProgram(argv: readonly string[], setting: Setting): Promise<Ran> {
  if (setting.idle) return begin(argv, setting)
  await turn()
  try {
    return await begin(argv, setting)
  } finally {
    running--
    waiting.shift()?.()
  }
}

let running = 0
const waiting: (() => void)[] = []

async function turn(): Promise<void> {
  while (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
}

async function begin(
  argv: readonly string[],
  { env, cwd, input = '', drive, patience = PATIENCE }: Setting,
): Promise<Ran> {
  const [file = '', ...words] = argv
  const child = spawn(file, words, { env, cwd, detached: true })
  const [out, err] = [new Keeper(), new Keeper()]
  child.stdout.pipe(out)
  child.stderr.pipe(err)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  let over = false
  const ended = (once(child, 'close') as Promise<[number | null]>).finally(() => {
    over = true
  })
  let hung = false
  const end = setTimeout(() => {
    hung = true
    process.kill(-child.pid!, 'SIGKILL')
  }, patience)
  const program: Running = {
    said: (what) => Promise.race([out.until(what), ended.then(() => {})]),
    signal: (name) => signalDaemon(out.text, name),
    alive: () => !over,
  }
  const [[code]] = await Promise.all([ended, drive?.(program)])
  clearTimeout(end)
  return { code: code ?? undefined, out: out.text, err: err.text, hung }
}

/** The daemon says who it is when it starts. */
function signalDaemon(log: string, name: NodeJS.Signals): void {
  const [, pid] = /"event":"start".*?"pid":(\d+)/.exec(log) ?? []
  try {
    if (pid !== undefined) process.kill(Number(pid), name)
  } catch {
    // It has ended.
  }
}

/** A stream that keeps what is written to it. */
export class Keeper extends Writable {
  #text = ''
  #waiting: { what: RegExp; resolve: () => void }[] = []

  get text(): string {
    return this.#text
  }

  /** Resolves once the text matches. */
  until(what: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ what, resolve })
      this.#tell()
    })
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.#text += chunk.toString()
    this.#tell()
    done()
  }

  #tell(): void {
    this.#waiting = this.#waiting.filter(({ what, resolve }) => {
      const found = what.test(this.#text)
      if (found) resolve()
      return !found
    })
  }
}

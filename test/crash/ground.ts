/**
 * ground - one run's own spool, configuration and receiver, and the programs that are run on it.
 *
 * What is under test is the real msgq or msgqd as a program of its own; what only prepares or
 * verifies is the same code called from here, which is ten times as fast.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { systemClock } from '../../src/base/clock.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { Draft } from '../../src/message/draft.ts'
import { makeSpool, openOutbox } from '../../src/queue/open.ts'
import { msgqHere } from '../cli/here.ts'
import { runProgram } from './program.ts'
import type { Ran, Setting } from './program.ts'
import { Receiver } from './receiver.ts'
import { SKEW, readCalls, straceOf } from './strace.ts'
import type { Blow, Call } from './strace.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Where the spool is in a home without any configuration. */
export const DEFAULT_SPOOL = '.local/state/msgq'

/** One run of a program of ours. */
export interface Command extends Pick<Setting, 'input' | 'drive' | 'patience' | 'idle'> {
  readonly program: 'msgq' | 'msgqd'
  readonly words: readonly string[]
  /** Without any configuration, and installed, as most people start. */
  readonly bare?: boolean
}

export interface Traced extends Ran {
  readonly calls: readonly Call[]
}

export class Ground {
  readonly folder: string
  readonly spool: string
  readonly receiver: Receiver
  readonly #env: Readonly<Record<string, string>>

  private constructor(folder: string, receiver: Receiver, spool: string) {
    this.folder = folder
    this.spool = spool
    this.receiver = receiver
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      MSGQ_CONFIG: join(folder, 'msgq.toml'),
      MSGQ_ANY_FILESYSTEM: '1',
      // One thread in the pool: its calls come in one order.
      UV_THREADPOOL_SIZE: '1',
      // Arenas that shrink open a file of /proc now and then.
      MALLOC_ARENA_MAX: '1',
    }
    mkdirSync(this.spool, { mode: 0o750, recursive: true })
    this.configure()
  }

  /** Ground of its own below a folder, with an empty folder for a spool there or elsewhere. */
  static async make(below: string, elsewhere?: string): Promise<Ground> {
    mkdirSync(below, { recursive: true })
    const folder = mkdtempSync(join(below, 'g-'))
    const spool =
      elsewhere === undefined ? join(folder, DEFAULT_SPOOL) : join(elsewhere, 'spool')
    return new Ground(folder, await Receiver.open(), spool)
  }

  /** Writes msgq.toml; what is deferred stays so until it is flushed, unless it is told else. */
  configure({ retry = '1h', minFree = '0', grace = '30s', more = '' } = {}): void {
    const sections = `[send]\nmin_free = "${minFree}"\n[retry]\nmin = "${retry}"\n[stop]\ngrace = "${grace}"\n`
    writeFileSync(
      join(this.folder, 'msgq.toml'),
      `spool = "${this.spool}"\n${sections}${more}`,
    )
  }

  /** Makes the spool as a daemon leaves it that has served it. */
  async makeSpool(): Promise<void> {
    await makeSpool(this.spool)
    writeFileSync(join(this.spool, 'run/wake'), '')
  }

  /** Accepts a message as `msgq send` does; resolves with its id. */
  async accept(
    mark: string,
    draft: Partial<Draft> = {},
    clock: Clock = systemClock,
  ): Promise<string> {
    const outbox = await openOutbox(this.spool, { clock, anyFilesystem: true })
    return outbox.enqueue({
      draft: { to: `${this.receiver.url}/${mark}`, subject: mark, ...draft },
      body: Buffer.from('hello'),
      sender: { uid: 0 },
    })
  }

  /** Puts a file into the spool as a person may: written under a dot, then renamed. */
  put(path: string, text: string): void {
    const staged = join(this.spool, 'run/by-hand')
    writeFileSync(staged, text)
    renameSync(staged, join(this.spool, path))
  }

  /** Runs a program of ours to its end. */
  run({ program, words, bare = false, ...setting }: Command): Promise<Ran> {
    const argv = this.argv({ program, words, bare })
    return runProgram(argv, this.#setting(setting, this.env(bare)))
  }

  /** The command line of a program of ours. */
  argv(
    { program, words, bare }: Pick<Command, 'program' | 'words' | 'bare'>,
    ...options: string[]
  ): string[] {
    const root = bare ? install(dirname(this.folder)) : ROOT
    return [process.execPath, ...options, join(root, 'bin', program), ...words]
  }

  /** What its environment needs. */
  env(bare = false): Readonly<Record<string, string>> {
    const { MSGQ_CONFIG: _, ...others } = this.#env
    return bare ? others : this.#env
  }

  /** Runs it traced, and struck. */
  async trace(
    { program, words, bare = false, ...setting }: Command,
    calls: readonly string[],
    blows: readonly Blow[] = [],
  ): Promise<Traced> {
    const log = join(this.folder, 'calls')
    rmSync(log, { force: true })
    const plain = this.argv({ program, words, bare }, '--require', SKEW)
    const { argv, env } = straceOf(plain, log, calls, blows)
    const ran = await runProgram(
      argv,
      this.#setting(setting, { ...this.env(bare), ...env }),
    )
    if (!existsSync(log)) throw new Error(`cannot trace: ${ran.err}`)
    return { ...ran, calls: readCalls(log) }
  }

  /** Does what `msgq` does with these words. */
  async msgq(...words: string[]): Promise<Ran> {
    return { ...(await msgqHere(words, this.#env, this.folder)), hung: false }
  }

  async close(): Promise<void> {
    await this.receiver.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #setting(setting: Partial<Setting>, env: NodeJS.ProcessEnv): Setting {
    return { ...setting, env, cwd: this.folder }
  }
}

/** Why nobody can start without a configuration here, or false. */
export function cannotBeBare(): string | false {
  const ours = ['/etc/msgq/msgq.toml', '/var/spool/msgq'].find((path) => existsSync(path))
  return ours !== undefined && `${ours} is there, and would be used`
}

/** Our package as npm installs it, where the checkout's configuration does not count. */
function install(below: string): string {
  const root = join(below, 'node_modules/msgq')
  if (existsSync(root)) return root
  for (const part of ['package.json', 'bin', 'dist'])
    cpSync(join(ROOT, part), join(root, part), { recursive: true })
  return root
}

/**
 * program - the real msgq as a program of its own, on a spool of its own.
 *
 * Runs dist/, which `npm test` builds first.
 */
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

import { systemEnvironment } from '../../src/config/find.ts'
import { publishLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Envelope } from '../../src/message/envelope.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const MSGQ = join(ROOT, 'bin/msgq')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export class Program {
  readonly folder: string
  readonly spool: string
  readonly configFile: string
  readonly env: NodeJS.ProcessEnv

  /** A machine with an empty spool, in a folder that any user can reach. */
  constructor(t: Test) {
    this.folder = mkdtempSync(join(tmpdir(), 'msgq-test-'))
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
    chmodSync(this.folder, 0o755)
    this.spool = join(this.folder, 'spool')
    for (const name of ['incoming', 'run', 'deferred', 'hold'])
      mkdirSync(join(this.spool, name), { recursive: true })
    this.configFile = join(this.folder, 'msgq.toml')
    const { PATH, TZ } = process.env
    this.env = {
      PATH,
      TZ,
      HOME: this.folder,
      MSGQ_SPOOL: this.spool,
      MSGQ_CONFIG: this.configFile,
      MSGQ_ANY_FILESYSTEM: '1',
    }
  }

  /** Leaves what a daemon leaves that read the configuration as it is now. */
  async publish(): Promise<void> {
    const config = loadConfig({ ...systemEnvironment(), env: this.env }, {})
    await publishLimits(this.spool, config, Date.now() + 60_000)
  }

  /** Starts `node ...argv`; without a listener its output is kept. */
  start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return new Running(
      spawn(process.execPath, argv, { env: { ...this.env, ...env }, stdio: 'pipe' }),
    )
  }

  /** Runs msgq to its end. */
  async msgq(argv: readonly string[], stdin: string | Buffer = ''): Promise<Ended> {
    const running = this.start([MSGQ, ...argv])
    running.child.stdin.end(stdin)
    return running.ended
  }

  /** Runs a line of sh to its end; `msgq` in it is ours. */
  async sh(line: string, stdin = ''): Promise<Ended> {
    const script = `msgq() { '${process.execPath}' '${MSGQ}' "$@"; }\n${line}`
    const running = new Running(
      spawn('/bin/sh', ['-c', script], { env: this.env, stdio: 'pipe' }),
    )
    running.child.stdin.end(stdin)
    return running.ended
  }

  /** Every name in incoming/, half-written ones too. */
  incoming(): string[] {
    return readdirSync(join(this.spool, 'incoming'))
  }

  /** What was queued, in the order of its ids. */
  messages(): { readonly envelope: Envelope; readonly body: string }[] {
    return this.incoming()
      .filter((name) => !name.startsWith('.'))
      .toSorted()
      .map((name) => {
        const bytes = readFileSync(join(this.spool, 'incoming', name))
        const end = bytes.indexOf('\n')
        const envelope = JSON.parse(bytes.toString('utf8', 0, end)) as Envelope
        return {
          envelope,
          body: bytes.toString('utf8', end + 1, end + 1 + envelope.bytes),
        }
      })
  }
}

/** A program with a configuration that its daemon has published. */
export async function published(t: Test): Promise<Program> {
  const program = new Program(t)
  writeFileSync(
    program.configFile,
    '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n',
  )
  await program.publish()
  return program
}

export class Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  out = ''
  err = ''

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    // Who refuses its input closes it.
    child.stdin.on('error', () => {})
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
    })
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      out: this.out,
      err: this.err,
    }))
  }

  /** Resolves when it has printed so many lines. */
  async printed(lines: number): Promise<void> {
    while (this.out.split('\n').length <= lines) await once(this.child.stdout, 'data')
  }

  /** Writes to its stdin until it reads: more than a pipe holds. */
  async reads(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.child.stdin.write(Buffer.alloc(1024 * 1024, 'x'), () => resolve())
    })
  }
}

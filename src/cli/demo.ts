/**
 * demo - the whole of msgq in a quarter of a minute, on a scratch spool and an own receiver.
 *
 * Sends with the real `msgq`, delivers with the real `msgqd`, and kills that with SIGKILL half-way.
 * Ends with 0 only if each message ended where it should, and leaves nothing behind.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { openDesk } from '../queue/open.ts'
import type { Desk } from '../queue/queue.ts'
import type { Define, Io } from './command.ts'
import { startSink } from './sink.ts'
import type { Sink } from './sink-server.ts'

export const define: Define = (command, begin) => {
  command.action(() => begin(runDemo))
}

/** What is sent, what the receiver answers to it, and where it must end. */
const CAST = [
  { to: 'good', answers: '200', text: 'hello', end: 'delivered', requests: 1 },
  {
    to: 'shaky',
    answers: '503,503,200',
    text: 'try me again',
    end: 'delivered',
    requests: 3,
  },
  { to: 'picky', answers: '400', text: 'not what it wants', end: 'bounce', requests: 1 },
  {
    to: 'silent',
    answers: 'timeout',
    text: 'anybody there?',
    end: 'deferred',
    requests: 1,
  },
] as const

/** The file with the secret that signs each request, and that the receiver knows. */
const SIGN = 'sign'
/** Sent while no daemon runs. */
const LATE = 'sent while nothing runs'
/** The whole demo must be over by then (ms). */
const PATIENCE = 15_000

async function runDemo(io: Io): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'msgq-demo-'))
  const script = CAST.map(({ to, answers }) => `/${to}=${answers}`)
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  writeFileSync(join(folder, SIGN), `${secret}\n`, { mode: 0o600 })
  const sink = await startSink({ port: 0, answers: script, secrets: [secret] })
  const stage = new Stage(io, folder, sink)
  try {
    return await play(stage)
  } finally {
    await stage.close()
    await sink.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function play(stage: Stage): Promise<number> {
  const { sink } = stage
  await stage.say(
    'A receiver listens. It checks who signed, and answers 200; 503 twice and then 200; 400; and never.',
  )
  await stage.startDaemon()
  await stage.say('msgqd runs. One message to each, by the real command line:')
  const sent = new Map<string, string>()
  for (const { to, text } of CAST) sent.set(to, await stage.msgq('send', to, text))

  await stage.until(() => sink.requests >= CAST.length)
  await stage.say(
    'Each was tried once. The queue now (the good one is gone, for it arrived):',
  )
  await stage.msgq('mailq')

  await stage.say('Now the daemon dies: kill -9, with a message on the wire.')
  await stage.killDaemon()
  sent.set('late', await stage.msgq('send', 'good', LATE))
  await stage.say('That one was sent with no daemon there. Nothing is lost, it waits:')
  await stage.msgq('mailq')

  await stage.say('The daemon starts again, and takes up what it finds.')
  await stage.startDaemon()
  const ended = await stage.until(async () =>
    (await stage.endings(sent)).every(({ ok }) => ok),
  )
  await stage.say('How it ended:')
  await stage.msgq('mailq')
  await stage.msgq('show', sent.get('picky')!)
  return stage.verdict(await stage.endings(sent), ended)
}

interface Ending {
  readonly id: string
  readonly to: string
  readonly end: string
  readonly requests: number
  readonly ok: boolean
}

/** Everything that the demo starts and prints. */
class Stage {
  readonly sink: Sink
  readonly #io: Io
  readonly #folder: string
  readonly #desk: Promise<Desk>
  readonly #deadline: number
  #daemon: ChildProcess | undefined

  constructor(io: Io, folder: string, sink: Sink) {
    this.#io = io
    this.#folder = folder
    this.sink = sink
    this.#deadline = io.clock.monotonic() + PATIENCE
    writeFileSync(join(folder, 'msgq.toml'), configuration(sink.url))
    this.#desk = this.#openDesk()
  }

  say(text: string): Promise<void> {
    return this.#io.print(`\n# ${text}\n`)
  }

  /** Runs msgq and shows the line and what it prints; resolves with that. */
  async msgq(...words: string[]): Promise<string> {
    await this.#io.print(`$ msgq ${words.map(quoted).join(' ')}\n`)
    const child = this.#spawn('msgq', words, 'pipe')
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(child, 'close')
    const text = Buffer.concat(chunks).toString()
    await this.#io.print(text)
    return text.trim()
  }

  async startDaemon(): Promise<void> {
    this.#daemon = this.#spawn('msgqd', [], 'pipe')
    // Its first line says that it serves.
    if (this.#daemon.stdout !== null) await once(this.#daemon.stdout, 'data')
    this.#daemon.stdout?.resume()
  }

  async killDaemon(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = undefined
    if (daemon?.exitCode !== null || daemon.signalCode !== null) return
    daemon.kill('SIGKILL')
    await once(daemon, 'exit')
  }

  /** Waits for something; false when the demo's time is over. */
  async until(done: () => boolean | Promise<boolean>): Promise<boolean> {
    while (this.#io.clock.monotonic() < this.#deadline) {
      if (await done()) return true
      await sleep(50)
    }
    return false
  }

  async endings(sent: ReadonlyMap<string, string>): Promise<Ending[]> {
    const desk = await this.#desk
    return Promise.all(
      [...sent].map(async ([to, id]) => {
        const cast = CAST.find((one) => one.to === to) ?? CAST[0]
        const end = (await desk.get(id))?.entry.state ?? 'delivered'
        const requests = this.sink.times.get(id) ?? 0
        const told = end !== 'delivered' || this.sink.accepted.has(id)
        const ok = told && end === cast.end && requests >= cast.requests
        return { id, to, end, requests, ok }
      }),
    )
  }

  async verdict(endings: readonly Ending[], ended: boolean): Promise<number> {
    const print = (text: string) => this.#io.print(text)
    await print('\n')
    for (const { id, to, end, requests, ok } of endings)
      await print(
        `${ok ? 'ok  ' : 'NOT '} ${id}  ${to.padEnd(7)} ${end.padEnd(10)} ${requests} ${requests === 1 ? 'request' : 'requests'}\n`,
      )
    const good = ended && endings.every(({ ok }) => ok)
    await print(
      good
        ? `\n${endings.length} sent, 0 lost. The one that nobody answers is tried for five days.\n`
        : '\nSomething did not end where it should: please report this.\n',
    )
    return good ? 0 : 1
  }

  async close(): Promise<void> {
    await this.killDaemon()
  }

  async #openDesk(): Promise<Desk> {
    const spool = join(this.#folder, 'spool')
    return openDesk(spool, { clock: this.#io.clock, anyFilesystem: true, create: true })
  }

  #spawn(name: 'msgq' | 'msgqd', words: string[], stdout: 'pipe'): ChildProcess {
    const { packageRoot, env } = this.#io.environment
    return spawn(process.execPath, [join(packageRoot, 'bin', name), ...words], {
      stdio: ['ignore', stdout, 'inherit'],
      env: {
        ...env,
        MSGQ_CONFIG: join(this.#folder, 'msgq.toml'),
        MSGQ_SPOOL: '',
        MSGQ_TO: '',
        // /tmp is often memory, and this spool is to be forgotten.
        MSGQ_ANY_FILESYSTEM: '1',
      },
    })
  }
}

function configuration(url: string): string {
  const destinations = CAST.map(
    ({ to }) =>
      `[destinations.${to}]\ntype = "http"\nurl = "${new URL(to, url).href}"\n` +
      `sign = { secret = { file = "${SIGN}" } }\n`,
  )
  return [
    'spool = "spool"\n[send]\nmin_free = "1MiB"\n[retry]\nmin = "1s"\n[http]\ntimeout = "4s"\n',
    ...destinations,
    // It must still be waiting when the demo looks.
    'retry = { min = "10m" }',
  ].join('\n')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`
}

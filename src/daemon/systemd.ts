/**
 * systemd - tells the service manager how the daemon is: sd_notify(3), by systemd-notify(1).
 *
 * Node.js has no datagram sockets of the Unix kind, so each message is a short-lived child;
 * the unit needs NotifyAccess=all for it. At most one child runs at a time: what is said
 * meanwhile goes out together in the next message, where the last of READY, RELOADING and
 * STOPPING wins, as systemd has it. Without NOTIFY_SOCKET nothing is ever started.
 * Leaves to others: when the daemon is ready, and whether it is alive.
 * In trouble it never throws and never keeps the program running; it complains once, and what
 * did not arrive goes out again with the next message.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import { plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'

export interface Notifier {
  /** Says that the daemon serves, at the start and after a reload. */
  ready(status: string): void
  /** Sets the line that `systemctl status` shows. */
  status(text: string): void
  /** Says that a reload has begun; ready() ends it. */
  reloading(): void
  /** Says that the daemon finishes what is on the wire and then ends, within so many ms. */
  stopping(patience?: number): void
  /** Pings twice in each watchdog period while `alive` says so; returns what ends it. */
  startWatchdog(alive: () => boolean): () => void
}

/** systemd-notify waits 5 s at most for systemd to have read the message. */
const PATIENCE = 10_000
const STATES = ['READY', 'RELOADING', 'STOPPING']

/** A notifier for what the environment says of the service manager; `warn` hears of trouble. */
export function createNotifier(
  env: NodeJS.ProcessEnv,
  warn: (trouble: string) => void = () => {},
): Notifier {
  const socket = env['NOTIFY_SOCKET']
  const messenger = socket ? new Messenger(socket, env['PATH'], warn) : undefined
  return {
    ready: (status) => messenger?.say({ READY: '1', STATUS: printable(status) }),
    status: (text) => messenger?.say({ STATUS: printable(text) }),
    reloading: () => messenger?.say({ RELOADING: '1' }),
    stopping: (patience) =>
      messenger?.say({
        STOPPING: '1',
        // It lengthens TimeoutStopSec= and never shortens it.
        ...(patience === undefined
          ? {}
          : { EXTEND_TIMEOUT_USEC: String(Math.round(patience * 1_000)) }),
      }),
    startWatchdog: (alive) => {
      const period = messenger && watchdogPeriod(env)
      if (period === undefined) return () => {}
      const timer = setInterval(() => {
        if (isAlive(alive, warn)) messenger?.say({ WATCHDOG: '1' })
      }, period / 2).unref()
      return () => clearInterval(timer)
    },
  }
}

/** How often systemd wants to hear from this program (ms), if it does. */
function watchdogPeriod(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid } = env
  if (!/^[1-9]\d*$/.test(usec)) return undefined
  // The variables were inherited: the watchdog is for somebody above us.
  if (pid !== undefined && pid !== String(process.pid)) return undefined
  return Math.min(Number(usec) / 1_000, 2 ** 31 - 1)
}

function isAlive(alive: () => boolean, warn: (trouble: string) => void): boolean {
  try {
    return alive()
  } catch (error) {
    warn(`cannot tell whether the daemon is alive: ${plainError(error)}`)
    return false
  }
}

/** Owns the one child and what waits for it to end. */
class Messenger {
  readonly #env: NodeJS.ProcessEnv
  readonly #warn: (trouble: string) => void
  #pending = new Map<string, string>()
  #busy = false
  #complained = false

  constructor(socket: string, path: string | undefined, warn: (trouble: string) => void) {
    // Nothing else of our environment: it may hold secrets.
    this.#env = { NOTIFY_SOCKET: socket, ...(path === undefined ? {} : { PATH: path }) }
    this.#warn = warn
  }

  say(variables: Record<string, string>): void {
    for (const [name, value] of Object.entries(variables)) {
      if (STATES.includes(name)) for (const state of STATES) this.#pending.delete(state)
      this.#pending.set(name, value)
    }
    this.#send()
  }

  #send(): void {
    if (this.#busy || this.#pending.size === 0) return
    const variables = this.#pending
    this.#pending = new Map()
    this.#busy = true
    const ended = (trouble: string | undefined) => {
      this.#busy = false
      if (trouble !== undefined) this.#failed(variables, trouble)
      else {
        this.#complained = false
        this.#send()
      }
    }
    try {
      const words = [...variables].map(([name, value]) => `${name}=${value}`)
      watch(this.#start(words), ended)
    } catch (error) {
      ended(plainError(error))
    }
  }

  #start(words: string[]): ChildProcess {
    // Its complaint goes where ours do: systemd's journal.
    const child = spawn('systemd-notify', words, {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child.unref()
    return child
  }

  /** Keeps what did not arrive for the next message, unless something newer was said since. */
  #failed(variables: Map<string, string>, trouble: string): void {
    const newer = this.#pending
    const overtaken = STATES.some((state) => newer.has(state))
    this.#pending = new Map()
    for (const [name, value] of variables)
      if (!overtaken || !STATES.includes(name)) this.#pending.set(name, value)
    for (const [name, value] of newer) this.#pending.set(name, value)
    if (!this.#complained) this.#warn(`cannot reach systemd: systemd-notify: ${trouble}`)
    this.#complained = true
    // Only for what is new: what failed alone would fail again at once.
    if (newer.size > 0) this.#send()
  }
}

/** Calls `ended` once, with what went wrong if anything did. */
function watch(child: ChildProcess, ended: (trouble: string | undefined) => void): void {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE).unref()
  const once = (trouble: string | undefined) => {
    child.removeAllListeners().on('error', () => {})
    clearTimeout(timer)
    ended(trouble)
  }
  child.on('error', (error) => once(plainError(error)))
  child.on('exit', (code, signal) =>
    once(code === 0 ? undefined : signal ? `killed by ${signal}` : `exit code ${code}`),
  )
}

/**
 * watch - a live view of daemon, lanes and queue, until q or Ctrl-C.
 *
 * One request to the daemon's socket an interval. What only the spool knows is counted as often
 * as that is cheap: a count that took long is repeated after twenty times as long, so that a
 * million files are read now and then and not each second. It changes nothing.
 */
import { MsgqError } from '../base/errors.ts'
import type { Flags } from '../config/find.ts'
import type { DaemonStatus } from '../delivery/status.ts'
import type { Desk } from '../queue/queue.ts'
import { lookAround } from './around.ts'
import type { Around } from './around.ts'
import type { Define, Io } from './command.ts'
import { FullScreen } from './full-screen.ts'
import { openReading } from './reading.ts'
import { onSignal } from './signals.ts'
import { watchPage } from './watch-page.ts'
import type { View } from './watch-page.ts'
import { spanOf } from '../intake/when.ts'

interface Options {
  readonly interval: string
}

/** Less would only make the daemon busy (ms). */
const SHORTEST = 200
const LONGEST = 3_600_000
/** After a count the spool is left alone for so many times as long as it took. */
const REST = 20
const CTRL_C = '\u0003'
const CTRL_Z = '\u001a'

/** `msgq watch`. */
export const define: Define = (command, begin) => {
  command
    .option('--interval <span>', 'so often it is drawn anew', '2s')
    .action((options: Options) => begin((io, flags) => run(io, flags, options)))
}

async function run(io: Io, flags: Flags, { interval }: Options): Promise<number> {
  const every = spanOf('--interval', interval)
  if (every < SHORTEST || every > LONGEST)
    throw new MsgqError('usage', '--interval: is not between 200ms and 1h')
  if (io.stdout.isTTY !== true)
    throw new MsgqError(
      'usage',
      'stdout is no terminal, and there is nothing to draw on',
      'msgq status --json says the same to programs',
    )
  const reading = await openReading(io, flags)
  const count = new Count(reading.desk, io)
  let before: View['before']
  let view: View | undefined
  let wake = (): void => {}
  const over: { code?: number } = {}
  const end = (code: number): void => {
    over.code ??= code
    wake()
  }
  const draw = async (): Promise<void> => {
    if (view !== undefined) await screen.draw(watchPage(view, screen.size))
  }
  const screen = new FullScreen(
    io,
    (key) => {
      if (key === 'q' || key === 'Q' || key === CTRL_C) end(0)
      else if (key === CTRL_Z) stopHere(screen, draw)
      else if (key === ' ' || key === '\r') wake()
    },
    () => void draw().catch(() => end(0)),
  )
  const offSignal = onSignal(end)
  const redraw = (): void => {
    if (view !== undefined) view = { ...view, counted: count.last }
    void draw().catch(() => end(0))
  }
  try {
    screen.open()
    while (over.code === undefined) {
      count.begin(redraw)
      const around = await lookAround(io, flags, reading)
      view = { around, counted: count.last, before }
      await draw()
      before = statusOf(around)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, every)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        if (over.code !== undefined) wake()
      })
    }
    return over.code
  } finally {
    screen.close()
    offSignal()
  }
}

function statusOf({
  daemon,
  now,
}: Around): { status: DaemonStatus; at: number } | undefined {
  return daemon.kind === 'up' ? { status: daemon.status, at: now } : undefined
}

/** Ctrl-Z: the shell gets its terminal back, and we ours when we go on. */
function stopHere(screen: FullScreen, draw: () => Promise<void>): void {
  process.once('SIGCONT', () => {
    screen.open()
    void draw()
  })
  screen.close()
  process.kill(process.pid, 'SIGTSTP')
}

/** What was counted in the spool last. */
class Count {
  readonly #desk: Desk
  readonly #io: Io
  #running = false
  #next = -Infinity
  last: View['counted']

  constructor(desk: Desk, io: Io) {
    this.#desk = desk
    this.#io = io
  }

  /** Begins a count where one is due, and calls back when it is there. */
  begin(onCounted: () => void): void {
    const { clock } = this.#io
    const began = clock.monotonic()
    if (this.#running || began < this.#next) return
    this.#running = true
    void this.#count()
      .then(onCounted)
      // A spool that cannot be read now is counted again the next time.
      .catch(() => {})
      .finally(() => {
        this.#running = false
        const ended = clock.monotonic()
        this.#next = ended + REST * (ended - began)
      })
  }

  async #count(): Promise<void> {
    const stats = await this.#desk.stats()
    this.last = { stats, at: this.#io.clock.now() }
  }
}

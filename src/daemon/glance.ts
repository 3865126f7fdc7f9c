/**
 * glance - the queue and the lanes in one line, for `systemctl status`.
 *
 * Looks now and then, and the seldomer the longer a look at the folders takes: it costs a
 * thousandth of the time at most. A look that fails leaves the line as it was.
 */
import type { Clock } from '../base/clock.ts'
import type { DaemonStatus } from '../delivery/status.ts'
import type { Stats } from '../queue/queue.ts'

/** What of the daemon's status is told. */
export type Seen = Pick<DaemonStatus, 'inFlight' | 'recent' | 'lanes' | 'clock'>

/** Looks are so far apart at least (ms). */
const LOOK_EVERY = 10_000
const SHARE = 1_000
/** So many lanes are named. */
const MOST_NAMED = 3
/** The states that are counted, and what they are called. */
const WAITING = [
  ['incoming', 'incoming'],
  ['deferred', 'deferred'],
  ['hold', 'held'],
  ['bounce', 'bounced'],
  ['corrupt', 'corrupt'],
] as const

/** The line. Without `states` it does not tell what waits. */
export function glanceText(states: Stats['states'] | undefined, seen: Seen): string {
  const waiting = WAITING.flatMap(([state, name]) => {
    const count = states?.[state] ?? 0
    return count > 0 ? [`${count} ${name}`] : []
  })
  const { delivered, deferred, bounced } = seen.recent
  const recent = Object.entries({ delivered, deferred, bounced })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
  const parts = [
    states === undefined ? 'serving' : waiting.join(', ') || 'nothing waits',
    ...(seen.inFlight > 0 ? [`${seen.inFlight} on the wire`] : []),
    ...(recent.length > 0 ? [`last 5 min: ${recent.join(', ')}`] : []),
    ...lanesIn('suspended', seen),
    ...lanesIn('closed', seen),
    ...(seen.clock === undefined ? [] : ['the clock is in doubt']),
  ]
  return parts.join('; ')
}

function lanesIn(state: 'suspended' | 'closed', { lanes }: Seen): string[] {
  const names = lanes.filter((lane) => lane.state === state).map(({ lane }) => lane)
  if (names.length === 0) return []
  const more = names.length - MOST_NAMED
  const named = names.slice(0, MOST_NAMED).join(', ')
  return [`${state}: ${named}${more > 0 ? ` and ${more} more` : ''}`]
}

export interface GlanceOptions {
  readonly clock: Clock
  readonly seen: () => Seen
  readonly count: () => Promise<Stats>
  /** Hears of each line that is another than the one before. */
  readonly tell: (text: string) => void
}

export class Glance {
  readonly #options: GlanceOptions
  #states: Stats['states'] | undefined
  /** When the folders may be looked at again, by the monotonic clock. */
  #nextAt = 0
  #told = ''
  #timer: NodeJS.Timeout | undefined

  constructor(options: GlanceOptions) {
    this.#options = options
  }

  /** Looks from now on, the first time after a while: a start has other things to do. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The line as it is now, with what waited at the last look. */
  text(): string {
    return (this.#told = glanceText(this.#states, this.#options.seen()))
  }

  /** Looks at the folders if it may, and tells what is new. */
  async look(): Promise<void> {
    const { clock, count, seen, tell } = this.#options
    const began = clock.monotonic()
    if (began >= this.#nextAt) {
      // Not a second one beside it, however long it takes.
      this.#nextAt = Infinity
      try {
        const { states } = await count()
        this.#states = states
      } catch {
        // The daemon meets the same trouble, and says so.
      }
      const now = clock.monotonic()
      this.#nextAt = now + (now - began) * SHARE
    }
    const text = glanceText(this.#states, seen())
    if (text !== this.#told) tell(text)
    this.#told = text
  }
}

/**
 * mailq-footer - the last lines of mailq: the totals, and what an operator must not miss.
 *
 * What lies in bounce or corrupt is named even where it was not asked for, with the command
 * that shows it; and so is a daemon that delivers nothing.
 */
import type { Entry } from '../message/selector.ts'
import type { State } from '../message/state.ts'
import type { Desk } from '../queue/queue.ts'
import { ofSuspended } from './advice.ts'
import { daemonAlarm } from '../library/daemon.ts'
import type { Around } from './around.ts'
import { shortTime } from './clock-text.ts'
import type { Screen } from './screen.ts'
import { sizeText } from './size-text.ts'
import { cutAt } from './table.ts'

/** What was listed. */
export interface Counted {
  readonly entries: readonly Entry[]
  /** So many of them were gone when their turn came. */
  readonly gone: number
  readonly states: readonly State[]
}

export interface FooterOptions {
  readonly around: Around
  readonly screen: Screen
  /** Bytes of what was listed, where all of it was opened. */
  readonly size?: number
}

/** The lines below the table. */
export async function footer(
  desk: Desk,
  counted: Counted,
  { around, screen, size }: FooterOptions,
): Promise<string[]> {
  const alarms = [
    await elsewhere(desk, counted.states, around.now),
    ...suspended(counted, around),
    daemonAlarm(around.daemon),
  ]
  return [
    cutAt(totals(counted, size), screen.edge),
    ...alarms
      .filter((line) => line !== undefined)
      // Never cut: what to do stands at its end.
      .map((line) => screen.alarm(`! ${line}`)),
  ]
}

function totals({ entries, gone, states }: Counted, size: number | undefined): string {
  const count = entries.length - gone
  if (count <= 0) return '0 messages'
  const parts = states.map(
    (state) => `${entries.filter((entry) => entry.state === state).length} ${state}`,
  )
  const bytes = size === undefined ? '' : `, ${sizeText(size)}`
  const passed = gone === 0 ? '' : ` (${gone} moved on meanwhile)`
  return `${count} message${count === 1 ? '' : 's'}${bytes}: ${parts.join(', ')}${passed}`
}

/** The lanes of what was listed that somebody suspended, and how to let them go on. */
function suspended({ entries }: Counted, { suspended: lanes, now }: Around): string[] {
  if (lanes.size === 0) return []
  const listed = new Set(entries.map((entry) => entry.lane))
  return [...lanes.values()]
    .filter(({ lane }) => listed.has(lane))
    .map((suspension) => {
      const { what, command } = ofSuspended(suspension, now)
      return `${what}:  ${command}`
    })
}

/** What is in bounce and corrupt, where the list does not show it. */
async function elsewhere(
  desk: Desk,
  shown: readonly State[],
  now: number,
): Promise<string | undefined> {
  const { states } = await desk.stats()
  const hidden = (['bounce', 'corrupt'] as const).filter(
    (state) => states[state] > 0 && !shown.includes(state),
  )
  if (hidden.length === 0) return undefined
  const parts: string[] = []
  for (const state of hidden) {
    const since = state === 'bounce' ? await oldestBounce(desk, now) : ''
    parts.push(`${states[state]} in ${state}${since}`)
  }
  return `${parts.join(', ')}: msgq mailq --state ${hidden.join(',')}`
}

/** ` since 03:12`: when the first of them bounced. */
export async function oldestBounce(desk: Desk, now: number): Promise<string> {
  const { items } = await desk.list({ states: ['bounce'] }, { limit: 1 })
  const [first] = items
  return first === undefined ? '' : ` since ${shortTime(first.due, now)}`
}

/**
 * metrics - GET /metrics: the state of the daemon and its queue as Prometheus reads it.
 *
 * Names and labels are public (docs/metrics.md): they are added to, never renamed. As many
 * series as the configuration has destinations, times a constant: what senders choose is no
 * label. A scrape reads what was counted all the time, and what lies in the queue as of a
 * moment ago (headcount.ts); what cannot be measured is left out of it.
 */
import { EXPOSITION_TYPE, Exposition } from '../base/exposition.ts'
import type { Clock } from '../base/clock.ts'
import { VERSION } from '../base/version.ts'
import { URL_LABEL } from '../delivery/lane-label.ts'
import type { DaemonStatus, LaneStatus } from '../delivery/status.ts'
import { maySee } from '../intake/caller.ts'
import type { Route } from '../intake/router.ts'
import { EVENT_LANE, isUrlLane } from '../message/lane.ts'
import { STATES } from '../message/state.ts'
import { roomUnder } from '../queue/open.ts'
import type { Daemon } from './daemon.ts'

/** States of a lane, as GET /v1/status has them. */
const LANE_STATES = ['open', 'closed', 'probing', 'suspended'] as const
/** Outcomes that each destination has a series for before the first one. */
const OUTCOMES = ['delivered', 'deferred', 'bounced'] as const

export function metricsRoute(daemon: Daemon, clock: Clock): Route {
  return {
    method: 'GET',
    path: '/metrics',
    scopes: ['read', 'operate'],
    answer: async ({ caller }) => {
      const page = new Exposition(
        ({ destination }) => destination === undefined || maySee(caller, destination),
      )
      const names = [...daemon.config.destinations.keys(), URL_LABEL, EVENT_LANE]
      const status = daemon.status()
      await addQueue(page, daemon, names, clock)
      addAttempts(page, daemon, names)
      addLanes(page, daemon, status)
      addEngine(page, daemon, names)
      await addGround(page, daemon)
      addSelf(page, daemon, status)
      return { status: 200, text: page.text, contentType: EXPOSITION_TYPE }
    },
  }
}

async function addQueue(
  page: Exposition,
  daemon: Daemon,
  names: readonly string[],
  clock: Clock,
): Promise<void> {
  const counted = await daemon.meters.headcount.look()
  if (counted === undefined) return
  page.family('msgq_messages', 'gauge', 'Messages in the queue.')
  for (const state of STATES) {
    const heads = counted.states.get(state)
    for (const destination of new Set([...names, ...(heads?.keys() ?? [])]))
      page.sample(heads?.get(destination)?.count ?? 0, { state, destination })
  }
  page.family(
    'msgq_oldest_message_age_seconds',
    'gauge',
    'Since the oldest message of them was accepted; absent where there is none.',
  )
  for (const [state, heads] of counted.states)
    for (const [destination, { oldestAt }] of heads) {
      const age = Math.max(0, clock.now() - oldestAt) / 1000
      page.sample(age, { state, destination })
    }
  page
    .family('msgq_messages_count_age_seconds', 'gauge', 'How old msgq_messages is.')
    .sample((clock.monotonic() - counted.at) / 1000)
}

function addAttempts(page: Exposition, daemon: Daemon, names: readonly string[]): void {
  const { counts } = daemon.meters.attempts
  page.family('msgq_attempts_total', 'counter', 'Attempts since the start, by their end.')
  for (const destination of new Set([...names, ...counts.keys()])) {
    const outcomes = counts.get(destination)?.outcomes
    for (const outcome of new Set([...OUTCOMES, ...(outcomes?.keys() ?? [])]))
      page.sample(outcomes?.get(outcome) ?? 0, { destination, outcome })
  }
  page.family('msgq_attempt_duration_seconds', 'histogram', 'What an attempt took.')
  for (const [destination, { durations }] of counts)
    page.histogram(durations, { destination })
  page.family(
    'msgq_delivery_age_seconds',
    'histogram',
    'From the acceptance of a message to its delivery.',
  )
  for (const [destination, { ages }] of counts) page.histogram(ages, { destination })
}

function addLanes(page: Exposition, daemon: Daemon, { lanes }: DaemonStatus): void {
  const known = new Map(lanes.map((lane) => [lane.lane, lane]))
  const rows = [...daemon.config.destinations].map(([destination, { lane }]) => {
    // A lane that does nothing and has no past is as its options say.
    const rested = { lane: destination, window: lane.first ?? lane.window, active: 0 }
    const row: LaneStatus = known.get(destination) ?? rested
    return { destination, limit: lane.window, ...row, state: row.state ?? 'open' }
  })
  page.family('msgq_lane_state', 'gauge', 'Whether a lane is in this state: 1 or 0.')
  for (const { destination, state: now } of rows)
    for (const state of LANE_STATES)
      page.sample(Number(state === now), { destination, state })
  page.family('msgq_lane_open', 'gauge', 'Whether messages go out: 1, or 0.')
  for (const { destination, state } of rows)
    page.sample(Number(state === 'open'), { destination })
  page.family('msgq_lane_window', 'gauge', 'How many may be under way now.')
  for (const { destination, window } of rows) page.sample(window, { destination })
  page.family('msgq_lane_window_limit', 'gauge', 'How many may be under way at most.')
  for (const { destination, limit } of rows) page.sample(limit, { destination })
  page.family('msgq_lane_in_flight', 'gauge', 'How many are under way.')
  for (const { destination, active } of rows) page.sample(active, { destination })
  page.family(
    'msgq_url_lanes',
    'gauge',
    'Lanes of bare URLs that do something or have a past, by their state.',
  )
  const urls = lanes.filter(({ lane }) => isUrlLane(lane))
  for (const state of LANE_STATES)
    page.sample(urls.filter((lane) => (lane.state ?? 'open') === state).length, { state })
}

function addEngine(page: Exposition, daemon: Daemon, names: readonly string[]): void {
  const { accepted, events, syncs } = daemon.meters.counts
  page.family('msgq_accepted_total', 'counter', 'Messages that came in since the start.')
  for (const destination of new Set([...names, ...accepted.keys()]))
    page.sample(accepted.get(destination) ?? 0, { destination })
  page.family(
    'msgq_journal_lines_total',
    'counter',
    'Lines of the delivery journal since the start, by what happened.',
  )
  for (const [event, count] of events) page.sample(count, { event })
  page.family(
    'msgq_fsync_duration_seconds',
    'histogram',
    'What a sync of a folder took: of messages that came in through the daemon, and of moves.',
  )
  for (const [of, histogram] of Object.entries(syncs)) page.histogram(histogram, { of })
}

async function addGround(page: Exposition, daemon: Daemon): Promise<void> {
  const { spool, send } = daemon.config
  page
    .family('msgq_ready', 'gauge', 'Whether messages can be made durable: 1, or 0.')
    .sample(Number(daemon.queue.refusal() === undefined))
    .family('msgq_spool_min_free_bytes', 'gauge', 'What min_free keeps free.')
    .sample(send.minFree)
  const room = await roomUnder(spool).catch(() => undefined)
  if (room === undefined) return
  page
    .family('msgq_spool_free_bytes', 'gauge', 'Free bytes of the disk under the spool.')
    .sample(room.freeBytes)
  if (room.freeInodes !== undefined)
    page
      .family('msgq_spool_free_inodes', 'gauge', 'Free inodes of it, where it has an end.')
      .sample(room.freeInodes)
}

function addSelf(page: Exposition, daemon: Daemon, status: DaemonStatus): void {
  const { user, system } = process.cpuUsage()
  page
    .family('msgq_alive', 'gauge', '0 where the daemon is stuck.')
    .sample(Number(daemon.alive()))
    .family('msgq_in_flight', 'gauge', 'Messages that are under way.')
    .sample(status.inFlight)
    .family('msgq_clock_doubted', 'gauge', '1 while nothing expires: the clock jumped.')
    .sample(Number(status.clock !== undefined))
    .family('msgq_config_loaded_timestamp_seconds', 'gauge', 'Since when it is in force.')
    .sample(Date.parse(status.configAt) / 1000)
    .family('msgq_build_info', 'gauge', 'Which msgq this is; always 1.')
    .sample(1, { version: VERSION, node: process.versions.node })
    .family('process_start_time_seconds', 'gauge', 'When it was started.')
    .sample(Date.parse(status.startedAt) / 1000)
    .family('process_cpu_seconds_total', 'counter', 'Time on a processor.')
    .sample((user + system) / 1e6)
    .family('process_resident_memory_bytes', 'gauge', 'Memory that it has.')
    .sample(process.memoryUsage.rss())
}

/**
 * advice - what an operator should do next, each with the command to type. Pure.
 */
import { printable } from '../base/text.ts'
import { VERSION } from '../base/version.ts'
import type { State } from '../message/state.ts'
import { suspensionText } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Around } from './around.ts'
import { briefSpan, shortTime } from './clock-text.ts'
import { sizeText } from './size-text.ts'
import type { Advice, LaneReport } from './status-report.ts'

export interface Situation {
  readonly around: Around
  readonly states: Readonly<Record<State, number>>
  readonly lanes: readonly LaneReport[]
  /** The configuration is not the one in force any more. */
  readonly configChanged: boolean
  /** When the first of those in bounce did (epoch ms). */
  readonly bouncedSince: number | undefined
  /** Free bytes, where they are less than min_free. */
  readonly short: number | undefined
}

/** What should be done, the worst first. */
export function adviceOf(situation: Situation): Advice[] {
  const { around, states, lanes, configChanged, bouncedSince, short } = situation
  const { now } = around
  const advice = ofDaemon(around)
  advice.push(...ofClock(around))
  if (short !== undefined)
    advice.push({
      what: `${sizeText(short)} free, less than min_free: msgq send refuses messages`,
      command: 'msgq check',
    })
  if (configChanged)
    advice.push({
      what: 'the configuration changed since msgqd read it',
      command: 'msgq check && msgq reload',
    })
  for (const suspension of around.suspended.values())
    advice.push(ofSuspended(suspension, now))
  for (const lane of lanes) advice.push(...ofLane(lane, now))
  if (states.bounce > 0) {
    const since = bouncedSince === undefined ? '' : ` since ${shortTime(bouncedSince, now)}`
    advice.push({
      what: `${states.bounce} bounced${since}`,
      command: 'msgq mailq --state bounce',
    })
  }
  if (states.corrupt > 0)
    advice.push({
      what: `${states.corrupt} put aside in corrupt`,
      command: 'msgq mailq --state corrupt',
    })
  return advice
}

function ofDaemon({ daemon }: Around): Advice[] {
  switch (daemon.kind) {
    case 'down':
      return [
        {
          what: 'msgqd is not running: nothing is being delivered',
          command: 'systemctl start msgq',
        },
      ]
    case 'mute':
      return [{ what: daemon.trouble.message, command: 'systemctl status msgq' }]
    case 'alone':
      return []
    case 'up':
      return daemon.status.version === VERSION
        ? []
        : [
            {
              what: `msgqd is ${daemon.status.version}, this is ${VERSION}`,
              command: 'systemctl restart msgq',
            },
          ]
  }
}

function ofClock({ daemon, now }: Around): Advice[] {
  const clock = daemon.kind === 'up' ? daemon.status.clock : undefined
  if (clock === undefined) return []
  const { doubtedSince, stepMs } = clock
  const how = `${briefSpan(Math.abs(stepMs))} ${stepMs < 0 ? 'back' : 'forward'}`
  const since = shortTime(Date.parse(doubtedSince), now)
  return [
    {
      what: `the clock went ${how} (${since}), so nothing expires for an hour; if it is right`,
      command: 'msgq check --clock-ok',
    },
  ]
}

/** How a lane that somebody suspended goes on. */
export function ofSuspended(suspension: Suspension, now: number): Advice {
  const { lane, why = '', disabled } = suspension
  if (disabled)
    return {
      what: `${lane} is disabled, ${why}; to let it go on, change that, then`,
      command: 'msgq reload',
    }
  const text = printable(
    suspensionText(suspension, (ms) => shortTime(ms, now)),
    500,
  )
  return {
    what: `${lane} is suspended ${text}; to let it go on`,
    command: `msgq resume ${lane}`,
  }
}

function ofLane({ lane, state, waiting, until, why }: LaneReport, now: number): Advice[] {
  if (state === 'unknown' && waiting > 0)
    return [
      {
        what: `${waiting} for ${lane}, which the configuration does not know`,
        command: `msgq mailq --to ${lane}`,
      },
    ]
  if (state !== 'closed' || until === undefined) return []
  const said = why === undefined ? '' : ` (${why})`
  return [
    {
      what: `${lane} is closed until ${shortTime(Date.parse(until), now)}${said}; to try at once`,
      command: `msgq flush --to ${lane}`,
    },
  ]
}

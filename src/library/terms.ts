/**
 * terms - where a sender learns on what terms a message is taken.
 *
 * What the daemon published counts while it is current; else the configuration is read. One
 * with faults never stops a sender: it is said once, and the message is taken unchecked.
 */
import { MsgqError } from '../base/errors.ts'
import type { Environment, Flags, SpoolPlace } from '../config/find.ts'
import { DEFAULT_LIMITS, areCurrent, readLimits } from '../config/limits.ts'
import type { Limits } from '../config/limits.ts'
import { termsIn } from '../intake/terms.ts'
import type { Terms } from '../intake/terms.ts'

/** The machine, and whoever hears of what is no reason to refuse. */
export interface Listener {
  readonly environment: Environment
  warn(line: string): void
}

/** The terms of a spool, for a command of this name. */
export async function termsOf(
  io: Listener,
  flags: Flags,
  place: SpoolPlace,
  command = 'send',
): Promise<Terms> {
  const limits = readLimits(place.spool)
  const { configFile } = place
  // Who sees no configuration of his own takes the word of the daemon that serves the spool.
  if (limits !== undefined && areCurrent(limits, configFile ?? limits.configFiles[0]))
    return limits
  if (configFile === undefined)
    return limits === undefined
      ? { ...DEFAULT_LIMITS, destinations: new Map() }
      : unchecked(limits)
  const { loadConfig } = await import('../config/load.ts')
  try {
    return termsIn(loadConfig(io.environment, flags))
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    io.warn(`${command}: taken unchecked, the configuration has a fault: ${error.message}`)
    return unchecked(limits)
  }
}

function unchecked(limits: Limits | undefined): Terms {
  const { messageSizeLimit, minFree } = limits ?? DEFAULT_LIMITS
  return {
    messageSizeLimit,
    minFree,
    ...(limits?.to === undefined ? {} : { to: limits.to }),
    ...(limits?.mail === undefined ? {} : { mail: limits.mail }),
  }
}

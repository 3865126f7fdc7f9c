/**
 * limits - what `msgq send` must know of the configuration, as the daemon last took it.
 *
 * The daemon publishes it into the spool at each good reload, so that a sender needs neither a
 * parser nor a configuration without faults. It is a courtesy: a sender that finds it missing,
 * broken or older than the configuration queues unchecked. Cheap to import.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { replaceFile } from '../base/durable.ts'
import { parseSize } from '../base/size.ts'
import { laneOf, looksLikeUrl } from '../message/lane.ts'
import type { Config, Destination, HttpDestination, LaneOptions } from './config.ts'
import { DEFAULTS, DESTINATION_DEFAULTS } from './defaults.ts'
import type { EventSchema, Schema } from './schema.ts'
import { revisionOf } from './stamp.ts'

const VERSION = 1

export interface Limits {
  /** When they were published, ISO 8601. */
  readonly at: string
  /** Files that it was read from, msgq.toml first; none without a configuration. */
  readonly configFiles: readonly string[]
  /** Which state of them; empty where it is not known. */
  readonly revision: string
  readonly messageSizeLimit: number
  readonly minFree: number
  /** Where a message goes that names no receiver. */
  readonly to?: string
  /** Where the mail of whom goes; absent where an older daemon published. */
  readonly mail?: ReadonlyMap<string, string>
  readonly anyFilesystem: boolean
  /** Of a lane without a destination; absent where an older daemon published. */
  readonly lane?: LaneOptions
  readonly destinations: ReadonlyMap<string, Recipient>
  /** Absent where there are none. */
  readonly eventSchemas?: readonly EventSchema[]
}

/** What a sender must know of a destination. */
export interface Recipient {
  /** The way to it; absent where an older daemon published. */
  readonly type?: Destination['type']
  /** Of a message that asks for none; only where the way knows methods. */
  readonly method?: string
  readonly contentType?: string
  /** What the body of a message to it must be. */
  readonly schema?: Schema
  readonly lane?: LaneOptions
}

/** What holds where nothing was published. */
export const DEFAULT_LIMITS = {
  messageSizeLimit: parseSize(DEFAULTS.send.message_size_limit) as number,
  minFree: parseSize(DEFAULTS.send.min_free) as number,
} as const

function limitsFile(spool: string): string {
  return join(spool, 'run/limits.json')
}

/** Publishes the limits of a configuration into the spool's `run`, which must exist. */
export async function publishLimits(
  spool: string,
  config: Config,
  now: number,
): Promise<void> {
  const file = limitsFile(spool)
  const { messageSizeLimit, minFree, to } = config.send
  const text = `${JSON.stringify({
    v: VERSION,
    at: new Date(now).toISOString(),
    configFiles: config.files,
    revision: config.revision ?? '',
    messageSizeLimit,
    minFree,
    to,
    mail: Object.fromEntries(config.mail),
    anyFilesystem: config.anyFilesystem,
    lane: config.lane,
    destinations: Object.fromEntries(
      [...config.destinations].map(
        ([name, { type, contentType, schema, lane, ...more }]) => {
          const method = 'method' in more ? more.method : undefined
          return [name, { type, method, contentType, schema, lane }]
        },
      ),
    ),
    eventSchemas: config.events.schemas.length === 0 ? undefined : config.events.schemas,
  })}\n`
  await replaceFile(file, text, { mode: 0o644, alone: true })
}

/** The limits that a daemon published; undefined when there are none that can be read. */
export function readLimits(spool: string): Limits | undefined {
  try {
    return parseLimits(JSON.parse(readFileSync(limitsFile(spool), 'utf8')))
  } catch {
    return undefined
  }
}

function parseLimits(raw: Record<string, unknown>): Limits | undefined {
  const { v, at, configFiles, revision, messageSizeLimit, minFree, to } = raw
  const { destinations } = raw
  const known =
    v === VERSION &&
    typeof at === 'string' &&
    typeof revision === 'string' &&
    Array.isArray(configFiles) &&
    configFiles.every((file) => typeof file === 'string') &&
    typeof messageSizeLimit === 'number' &&
    typeof minFree === 'number' &&
    isObject(destinations) &&
    Object.values(destinations).every(isObject)
  if (!known) return undefined
  return {
    at,
    configFiles,
    revision,
    messageSizeLimit,
    minFree,
    ...(typeof to === 'string' ? { to } : {}),
    ...(isObject(raw['mail']) ? { mail: new Map(Object.entries(raw['mail'])) } : {}),
    anyFilesystem: raw['anyFilesystem'] === true,
    ...(isObject(raw['lane']) ? { lane: raw['lane'] as LaneOptions } : {}),
    ...(Array.isArray(raw['eventSchemas'])
      ? { eventSchemas: raw['eventSchemas'] as EventSchema[] }
      : {}),
    // A map, because `constructor` may be the name of a destination.
    destinations: new Map(Object.entries(destinations as Record<string, Recipient>)),
  }
}

function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}

/**
 * True while the limits are those of the configuration that counts for the sender. Once a file
 * of it has changed they may refuse what is allowed now.
 */
export function areCurrent(limits: Limits, configFile: string | undefined): boolean {
  const { configFiles, revision } = limits
  if (configFiles[0] !== configFile) return false
  try {
    return revisionOf(configFiles) === revision
  } catch {
    // What cannot be looked at cannot be vouched for.
    return false
  }
}

/** The destination that a message is for; undefined where the configuration has none of that name. */
export function destinationOf(config: Config, to: string): Destination | undefined {
  return looksLikeUrl(to) ? defaultDestination(config, to) : config.destinations.get(to)
}

/** The destination that a bare URL stands for: the defaults, in the lane of its host. */
export function defaultDestination(config: Config, url: string): HttpDestination {
  const { retry, http, lane } = config
  return {
    name: laneOf(url),
    type: 'http',
    url,
    method: DESTINATION_DEFAULTS.method,
    headers: {},
    retry,
    http,
    lane,
    where: 'default',
  }
}

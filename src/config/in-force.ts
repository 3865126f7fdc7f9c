/**
 * in-force - what holds for a lane after defaults, the house's tables and its own.
 *
 * The nearer table overrides the farther one key by key.
 */
import * as v from 'valibot'

import { formatDuration } from '../base/duration.ts'
import type { HttpOptions, LaneOptions, RetryOptions } from './config.ts'
import { DEFAULTS } from './defaults.ts'
import { httpTable, laneTable, retryTable } from './options.ts'

/** The three tables that a destination inherits and may override. */
export interface House {
  readonly retry: RetryOptions
  readonly http: HttpOptions
  readonly lane: LaneOptions
}

/** The same three as somebody wrote them. */
export interface Overrides {
  readonly retry?: v.InferOutput<typeof retryTable> | undefined
  readonly http?: v.InferOutput<typeof httpTable> | undefined
  readonly lane?: v.InferOutput<typeof laneTable> | undefined
}

/** What holds where nobody wrote anything. */
export function defaultHouse(): House {
  const http = v.parse(httpTable, DEFAULTS.http)
  return {
    retry: v.parse(retryTable, DEFAULTS.retry) as RetryOptions,
    http: camel(http) as HttpOptions,
    lane: laneOver({ window: 1 }, v.parse(laneTable, DEFAULTS.lane)),
  }
}

/** What holds once `over` is laid upon it. */
export function overlay(under: House, over: Overrides): House {
  return {
    retry: { ...under.retry, ...(over.retry as Partial<RetryOptions>) },
    http: { ...under.http, ...camel(over.http ?? {}) },
    lane: laneOver(under.lane, over.lane ?? {}),
  }
}

/** A window comes as a whole: its first never without its most. */
function laneOver(under: LaneOptions, over: v.InferOutput<typeof laneTable>): LaneOptions {
  const { window, first } =
    over.window === undefined
      ? under
      : { window: over.window.most, first: over.window.first }
  const rate = over.rate === 'none' ? undefined : (over.rate ?? under.rate)
  return {
    window,
    ...(first === undefined ? {} : { first }),
    ...(rate === undefined ? {} : { rate }),
  }
}

function camel(http: v.InferOutput<typeof httpTable>): Partial<HttpOptions> {
  const { timeout, connect_timeout, headers_timeout, deny, allow } = http
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(connect_timeout === undefined ? {} : { connectTimeout: connect_timeout }),
    ...(headers_timeout === undefined ? {} : { headersTimeout: headers_timeout }),
    ...(deny === undefined ? {} : { deny }),
    ...(allow === undefined ? {} : { allow }),
  }
}

/** What two options of `over` make impossible together; undefined when nothing does. */
export function retryDefect(
  { min, max }: RetryOptions,
  over: Overrides['retry'],
): { option: 'min' | 'max'; why: string } | undefined {
  if (min <= max || (over?.min === undefined && over?.max === undefined)) return undefined
  return over.max === undefined
    ? { option: 'min', why: `is more than max, which is ${formatDuration(max)}` }
    : { option: 'max', why: `is less than min, which is ${formatDuration(min)}` }
}

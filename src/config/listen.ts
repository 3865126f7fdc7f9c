/**
 * listen - `[listen]`: where and for whom the daemon answers HTTP, beside its two sockets.
 *
 * Only the loopback without tokens: whoever reaches another address could send anything.
 */
import * as v from 'valibot'

import { hasControl } from '../base/text.ts'
import { isTable } from './toml.ts'
import { number, show, span, value } from './values.ts'

/** Where TCP is listened at. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface ListenOptions {
  /** Absent: nowhere but at the sockets. */
  readonly http?: Address
  /** The file with the tokens; absent: nobody needs one. */
  readonly tokens?: { readonly file: string }
  /** Pages that may ask from a browser. */
  readonly cors: readonly string[]
  readonly incomingLimit: number
  readonly connections: number
  readonly timeout: number
}

const SECOND = 1_000
const ADDRESS_HINT = 'write "127.0.0.1:8025" or "[::1]:8025"'

/** The options, for the table of them all. */
export const listenEntries = {
  http: v.optional(
    value<Address>((given) => {
      const address = typeof given === 'string' ? parseAddress(given) : undefined
      if (address !== undefined) return { value: address }
      return { why: `is no address with a port: ${show(given)}`, hint: ADDRESS_HINT }
    }),
  ),
  tokens: v.optional(
    value<{ file: string }>((given) => {
      const file = isTable(given) ? given['file'] : undefined
      const isOne = isTable(given) && Object.keys(given).length === 1
      if (isOne && typeof file === 'string' && file !== '' && !hasControl(file))
        return { value: { file } }
      return { why: 'names no file', hint: 'write { file = "tokens" }' }
    }),
  ),
  cors: v.optional(
    value<readonly string[]>((given) => {
      const hint = 'write ["https://app.example.com"]'
      if (!Array.isArray(given)) return { why: `is not a list: ${show(given)}`, hint }
      const wrong = given.find((origin) => !isOrigin(origin))
      return wrong === undefined
        ? { value: given as string[] }
        : { why: `is no origin: ${show(wrong)}`, hint }
    }),
  ),
  incoming_limit: v.optional(number(1, 10_000_000, 'whole')),
  connections: v.optional(number(1, 60_000, 'whole')),
  timeout: v.optional(span(SECOND, 3600 * SECOND)),
}

/** What the table of them gives. */
export interface Given {
  readonly http?: Address | undefined
  readonly tokens?: { file: string } | undefined
  readonly cors?: readonly string[] | undefined
  readonly incoming_limit?: number | undefined
  readonly connections?: number | undefined
  readonly timeout?: number | undefined
}

/** The options in force, out of those that were written and the defaults. */
export function listenOptions(given: Given, defaults: Given): ListenOptions {
  const all = { ...defaults, ...given }
  return {
    ...(all.http === undefined ? {} : { http: all.http }),
    ...(all.tokens === undefined ? {} : { tokens: all.tokens }),
    cors: all.cors as readonly string[],
    incomingLimit: all.incoming_limit as number,
    connections: all.connections as number,
    timeout: all.timeout as number,
  }
}

/** Why an address must not be listened at; undefined where it may. */
export function listenDefect({ http, tokens }: Given): string | undefined {
  if (http === undefined || tokens !== undefined || isLoopback(http.host)) return undefined
  return `${formatAddress(http)} is not the loopback, and there are no tokens (tokens = { file = "tokens" })`
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** True where only programs of this machine come from. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return undefined
  return { host: (match[1] ?? match[2]) as string, port }
}

function isOrigin(given: unknown): boolean {
  if (typeof given !== 'string') return false
  try {
    return new URL(given).origin === given
  } catch {
    return false
  }
}

/**
 * pool - kept connections, apart for each destination, so that one cannot starve another.
 *
 * Bare URLs of one origin share theirs. A pool is found again by what it depends on, so a
 * reload that changes nothing keeps the connections, and one that changes something makes
 * new ones; what nobody used for a minute is let go of. undici closes single idle connections
 * itself, a little before the receiver would (its Keep-Alive, or 4 s).
 */
import type { LookupFunction } from 'node:net'

import type { buildConnector as Connecting, Dispatcher } from 'undici'

import type { Clock } from '../base/clock.ts'
import type { HttpDestination } from '../config/config.ts'
import { isDestinationName } from '../message/lane.ts'
import { addressRule, checkLiteral, ruledLookup } from './address.ts'
import { ownRoute } from './own-route.ts'
import type { OwnRoute } from './own-route.ts'
import { proxyAuthorization, tunnel } from './proxy.ts'
import type { ProxyRule } from './proxy.ts'
import type { SecretSource } from './transport.ts'
import { buildConnector, Pool } from './undici.ts'

const IDLE = 60_000
/** After so many requests a connection is made anew: names are looked up again. */
const REQUESTS_PER_CONNECTION = 1_000
const DEFAULT_CONNECT_TIMEOUT = 10_000

/** A way to one receiver. Whoever takes it gives it back. */
export interface Way {
  readonly pool: Dispatcher
  /** What the request line says for a URL. */
  path(url: URL): string
  /** Headers that this way needs besides. */
  headers(url: URL): readonly (readonly [string, string])[]
  /** The proxy that reads the requests themselves, and not only carries them. */
  readonly proxy: string | undefined
  users: number
  usedAt: number
}

export class Pools {
  readonly #ways = new Map<string, Way>()
  readonly #connecting = new Set<{ destroy(): unknown }>()
  readonly #clock: Clock
  readonly #proxyFor: ProxyRule
  readonly #lookup: LookupFunction | undefined
  readonly #secrets: SecretSource
  #sweptAt: number
  #closed = false

  constructor(
    clock: Clock,
    proxyFor: ProxyRule,
    lookup?: LookupFunction,
    secrets: SecretSource = () => '',
  ) {
    this.#clock = clock
    this.#secrets = secrets
    this.#proxyFor = proxyFor
    this.#lookup = lookup
    this.#sweptAt = clock.monotonic()
  }

  /**
   * The way to a destination's URL. Throws a MsgqError when the proxy setting is bad or a PEM
   * file cannot be had, and an AddressError when the URL names an address that is not allowed.
   */
  take(destination: HttpDestination, url: URL): Way {
    this.#sweep()
    const own = ownRoute(destination, this.#secrets)
    const key = `${url.origin} ${settingOf(destination)}${own?.mark ?? ''}`
    let way = this.#ways.get(key)
    if (way === undefined) {
      way = this.#open(url, destination, own)
      this.#ways.set(key, way)
    }
    way.users++
    return way
  }

  give(way: Way): void {
    way.users--
    way.usedAt = this.#clock.monotonic()
  }

  /** How many ways are open. */
  get size(): number {
    return this.#ways.size
  }

  /** Ends all connections, also those that are being made. */
  async close(): Promise<void> {
    this.#closed = true
    const ways = [...this.#ways.values()]
    this.#ways.clear()
    for (const socket of this.#connecting) socket.destroy()
    await Promise.all(ways.map((way) => way.pool.destroy()))
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    if (now - this.#sweptAt < IDLE / 2) return
    this.#sweptAt = now
    for (const [key, way] of this.#ways) {
      if (way.users > 0 || now - way.usedAt < IDLE) continue
      this.#ways.delete(key)
      void way.pool.destroy()
    }
  }

  #open(url: URL, destination: HttpDestination, own: OwnRoute | undefined): Way {
    const { lane, http, http2 } = destination
    const { window } = lane
    const rule = addressRule(http)
    const timeout = connectTimeoutOf(http)
    checkLiteral(url, rule)
    const proxy = own?.proxy === undefined ? this.#proxyFor(url) : (own.proxy ?? undefined)
    const secure = { ...own?.tls, ...(http2 === true ? { allowH2: true } : {}) }
    const common = { users: 0, usedAt: this.#clock.monotonic() }
    const direct = buildConnector({
      timeout,
      rejectUnauthorized: true,
      ...secure,
      // The operator chose the proxy; where that goes is not seen here.
      ...(proxy === undefined ? { lookup: ruledLookup(rule, this.#lookup) } : {}),
    })
    const inTunnel = proxy !== undefined && url.protocol === 'https:'
    const pool = new Pool(proxy === undefined || inTunnel ? url.origin : proxy.origin, {
      connections: Number.isFinite(window) ? window : null,
      connect: this.#watched(inTunnel ? tunnel(proxy, timeout, secure) : direct),
      maxRequestsPerClient: REQUESTS_PER_CONNECTION,
      ...(http2 === true ? { allowH2: true } : {}),
    })
    if (proxy === undefined || inTunnel)
      return {
        ...common,
        pool,
        path: ({ pathname, search }) => pathname + search,
        headers: () => [],
        proxy: undefined,
      }
    const authorization = proxyAuthorization(proxy)
    return {
      ...common,
      pool,
      path: ({ origin, pathname, search }) => origin + pathname + search,
      headers: ({ host }) =>
        authorization === undefined
          ? [['host', host]]
          : [
              ['host', host],
              ['proxy-authorization', authorization],
            ],
      proxy: proxy.host,
    }
  }

  /**
   * A connector whose unfinished connections `close` can end: undici waits for them, and
   * so would our end of the program. That connectors return their socket is not documented;
   * where they do not, only that wait comes back.
   */
  #watched(connector: Connecting.connector): Connecting.connector {
    return (options, callback) => {
      if (this.#closed) {
        callback(new Error('closed'), null)
        return
      }
      const made: unknown = connector(options, (...result) => {
        if (isDestroyable(made)) this.#connecting.delete(made)
        callback(...result)
      })
      if (isDestroyable(made)) this.#connecting.add(made)
    }
  }
}

/** What of a destination a connection depends on, beside the receiver's origin. */
function settingOf(destination: HttpDestination): string {
  let setting = settings.get(destination)
  if (setting === undefined) {
    const { name, lane, http, http2 } = destination
    const owner = isDestinationName(name) ? name : ''
    const rule = `${http.deny.join()} ${http.allow.join()}`
    const version = http2 === true ? 'h2' : ''
    setting = `${owner} ${lane.window} ${connectTimeoutOf(http)} ${rule} ${version}`
    settings.set(destination, setting)
  }
  return setting
}

const settings = new WeakMap<HttpDestination, string>()

function connectTimeoutOf({ connectTimeout }: HttpDestination['http']): number {
  return Number.isFinite(connectTimeout) ? connectTimeout : DEFAULT_CONNECT_TIMEOUT
}

function isDestroyable(made: unknown): made is { destroy(): unknown } {
  return typeof made === 'object' && made !== null && 'destroy' in made
}

/** Adds what the way needs where the request does not say it itself. */
export function withExtra(
  headers: string[],
  extra: readonly (readonly [string, string])[],
): string[] {
  if (extra.length === 0) return headers
  const said = (name: string) => headers.some((text, at) => at % 2 === 0 && text === name)
  return [...headers, ...extra.filter(([name]) => !said(name)).flat()]
}

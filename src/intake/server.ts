/**
 * server - answers HTTP at the doors: two Unix sockets, and TCP where the configuration says so.
 *
 * node:http and a table of routes. Whatever goes wrong with a request is answered and never ends
 * the daemon. A client that is slow, or holds many connections, costs a bounded amount: headers
 * and the whole request have their time, connections their number, bodies their bytes
 * (asked.ts). At the stop what is under way is answered, and nothing new is taken.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { linked } from '../base/linked.ts'
import { removeSocket, socketPath } from '../queue/open.ts'
import { Asked } from './asked.ts'
import { checkScope } from './caller.ts'
import type { Caller, Door } from './caller.ts'
import { Client, Gone } from './client.ts'
import { corsHeaders, preflight } from './cors.ts'
import { Hold, Share } from './hold.ts'
import { Line } from './line.ts'
import { Refusal, SOON, asRefusal } from './refusal.ts'
import { Router } from './router.ts'
import type { Route } from './router.ts'
import { readQuery, splitTarget } from './target.ts'

export interface ServerOptions {
  readonly routes: readonly Route[]
  /** Who asks; throws a Refusal for one who may not come in. */
  readonly callerOf: (door: Door, request: IncomingMessage) => Caller
  /** Pages of these origins may ask from a browser, over TCP. */
  readonly origins: () => readonly string[]
  /** Hears of what should never happen. */
  readonly onTrouble: (error: unknown) => void
  /** Most connections at each door. */
  readonly connections: number
  /** For a whole request to come in (ms). */
  readonly timeout: number
  /** Bytes that bodies may take together. */
  readonly hold: number
}

/** For the headers of a request (ms). */
const HEADERS_TIMEOUT = 10_000
const KEEP_ALIVE = 5_000
/** How often it is looked for requests that are too slow (ms). */
const CHECK_EVERY = 1_000
/** The modes of the sockets, as umasks. */
const UMASKS: Readonly<Record<string, number>> = { submit: 0o111, control: 0o117 }

interface Listening {
  readonly server: Server
  readonly release: () => void
}

export class IntakeServer {
  readonly #options: ServerOptions
  readonly #router: Router
  readonly #hold: Hold
  readonly #listening: Listening[] = []
  readonly #lines = new WeakMap<Duplex, Line>()
  readonly #stop = new AbortController()
  #underWay = 0
  #onIdle: () => void = () => {}

  constructor(options: ServerOptions) {
    this.#options = options
    this.#router = new Router(options.routes)
    this.#hold = new Hold(options.hold)
  }

  /** Opens a socket in a spool. The lock must be held: one that is there is a dead daemon's. */
  async openSocket(spool: string, door: 'submit' | 'control'): Promise<void> {
    const name = `${door}.sock`
    try {
      removeSocket(spool, name)
      const { path, release } = socketPath(spool, name)
      const server = this.#newServer(door)
      // bind(2), which is done before listen() returns, makes the socket by the umask; it must
      // not be open to others for a moment.
      const umask = process.umask(UMASKS[door] as number)
      try {
        server.listen(path)
      } finally {
        process.umask(umask)
      }
      await this.#listens(server, release)
    } catch (error) {
      const why = `${spool}/run/${name}: ${plainError(error)}`
      throw new MsgqError('cannot-create', why, undefined, error)
    }
  }

  /** The ports that are listened at. */
  get ports(): readonly number[] {
    return this.#listening.flatMap(({ server }) => {
      const address = server.address()
      return typeof address === 'object' && address !== null ? [address.port] : []
    })
  }

  /** Opens a port; resolves with its number. */
  async openPort(host: string, port: number): Promise<number> {
    const server = this.#newServer('http')
    try {
      server.listen(port, host)
      await this.#listens(server, () => {})
    } catch (error) {
      const why = `[listen] http: ${host}:${port}: ${plainError(error)}`
      throw new MsgqError('unavailable', why, 'another program may have the port', error)
    }
    return (server.address() as AddressInfo).port
  }

  /** Answers what is under way, for so long (ms), and closes all doors. A second call does nothing. */
  async close(patience: number): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new Refusal(503, 'stopping', 'msgqd stops', { headers: SOON }))
    const closed = this.#listening.map(
      ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    if (this.#underWay > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve))
      await Promise.race([idle, sleep(patience, undefined, { ref: false })])
    }
    for (const { server } of this.#listening) server.closeAllConnections()
    await Promise.all(closed)
    for (const { release } of this.#listening) release()
  }

  #newServer(door: Door): Server {
    const { connections, timeout } = this.#options
    const server = createServer(
      { connectionsCheckingInterval: Math.min(CHECK_EVERY, timeout) },
      (request, response) => void this.#respond(door, request, response),
    )
    server.on('connection', (socket) => this.#lines.set(socket, new Line(socket)))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#lines.get(socket)?.garbled(error),
    )
    server.on('checkContinue', (request, response) => {
      void this.#respond(door, request, response, () => response.writeContinue())
    })
    server.headersTimeout = Math.min(HEADERS_TIMEOUT, timeout)
    server.requestTimeout = timeout
    server.keepAliveTimeout = KEEP_ALIVE
    server.maxConnections = connections
    return server
  }

  async #listens(server: Server, release: () => void): Promise<void> {
    await once(server, 'listening')
    // A connection that cannot be accepted (no descriptor left) ends nothing but itself.
    server.on('error', () => {})
    this.#listening.push({ server, release })
  }

  async #respond(
    door: Door,
    request: IncomingMessage,
    response: ServerResponse,
    goOn: () => void = () => {},
  ): Promise<void> {
    this.#underWay++
    response.on('error', () => {})
    request.on('error', () => {})
    const line = this.#lines.get(request.socket) as Line
    const { gone } = line.begin(response)
    const headers = door === 'http' ? corsHeaders(request, this.#options.origins()) : {}
    const patience = this.#options.timeout
    const client = new Client(request, response, { gone, patience, headers })
    // Both live longer than a request: the stop as long as the daemon.
    const { signal, release } = linked(gone, this.#stop.signal)
    let asked: Asked | undefined
    try {
      line.checkRoom()
      const found = this.#find(door, request)
      if ('status' in found) return await client.send(found, undefined)
      const { route } = found
      const share = new Share(this.#hold)
      const callerNow = () => this.#callerFor(door, request, route)
      asked = new Asked({ ...found, request, signal, goOn, share, callerNow })
      await client.send(await route.answer(asked), share)
    } catch (error) {
      if (error instanceof Gone) return void request.socket.destroy()
      const refusal = asRefusal(error)
      if (refusal.code === 'internal' && !gone.aborted) this.#options.onTrouble(error)
      await client.refuse(refusal, this.#stop.signal.aborted).catch(() => {})
    } finally {
      release()
      asked?.end()
      line.end(response)
      if (--this.#underWay === 0) this.#onIdle()
    }
  }

  /** The route and who asks for it; or at once an answer. */
  #find(door: Door, request: IncomingMessage) {
    const { method = '', url = '' } = request
    const [path = '', query = ''] = splitTarget(url)
    this.#stop.signal.throwIfAborted()
    if (method === 'OPTIONS' && door === 'http') {
      const allowed = preflight(request, this.#options.origins())
      if (allowed !== undefined) return allowed
    }
    const { route, params } = this.#router.find(method, path)
    const caller = this.#callerFor(door, request, route)
    return { route, caller, params, query: readQuery(query) }
  }

  #callerFor(door: Door, request: IncomingMessage, { scopes }: Route): Caller {
    if (scopes.length === 0) return { door, scopes }
    const caller = this.#options.callerOf(door, request)
    checkScope(caller, scopes)
    return caller
  }
}

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
import { setTimeout as sleep } from 'node:timers/promises'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { removeSocket, socketPath } from '../queue/open.ts'
import { Asked, Hold } from './asked.ts'
import { checkScope } from './caller.ts'
import type { Caller, Door } from './caller.ts'
import { corsHeaders, preflight } from './cors.ts'
import { Refusal, SOON, asRefusal } from './refusal.ts'
import type { Reply } from './reply.ts'
import { Router } from './router.ts'
import type { Route } from './router.ts'

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
/** How long a client may go on sending what is not wanted, to see his answer (ms). */
const LINGER = 2_000
/** What a stream may keep in memory for a client that does not read. */
const UNREAD = 1024 * 1024

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
      { connectionsCheckingInterval: CHECK_EVERY },
      (request, response) => void this.#respond(door, request, response),
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
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    response.on('error', () => {})
    request.on('error', () => {})
    let asked: Asked | undefined
    const headers = door === 'http' ? corsHeaders(request, this.#options.origins()) : {}
    try {
      const found = this.#find(door, request)
      if ('status' in found) return await send(response, request, found, headers)
      const signal = AbortSignal.any([gone.signal, this.#stop.signal])
      asked = new Asked({ ...found, request, signal, goOn, hold: this.#hold })
      await send(response, request, await found.route.answer(asked), headers)
    } catch (error) {
      const refusal = asRefusal(error)
      if (refusal.code === 'internal' && !gone.signal.aborted)
        this.#options.onTrouble(error)
      await this.#refuse(request, response, refusal, headers).catch(() => {})
    } finally {
      asked?.end()
      if (--this.#underWay === 0) this.#onIdle()
    }
  }

  /** The route and who asks for it; or at once an answer. */
  #find(door: Door, request: IncomingMessage) {
    const { method = '', url = '' } = request
    const [path = '', query = ''] = splitUrl(url)
    this.#stop.signal.throwIfAborted()
    if (method === 'OPTIONS' && door === 'http') {
      const allowed = preflight(request, this.#options.origins())
      if (allowed !== undefined) return allowed
    }
    const { route, params } = this.#router.find(method, path)
    const isAsked = route.scopes.length > 0
    const caller = isAsked ? this.#options.callerOf(door, request) : { door, scopes: [] }
    checkScope(caller, route.scopes)
    return { route, caller, params, query: new URLSearchParams(query) }
  }

  async #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    refusal: Refusal,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    // A stream that broke off can only end.
    if (response.headersSent) return void response.destroy()
    const text = `${JSON.stringify(refusal.problem)}\n`
    const ends = refusal.more.ends === true || this.#stop.signal.aborted
    response.writeHead(refusal.status, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(text),
      ...headers,
      ...refusal.more.headers,
      ...(ends ? { connection: 'close' } : {}),
    })
    const unread = !request.complete
    if (request.method === 'HEAD') return void response.end()
    response.write(text)
    // To close while he still sends would take the answer away from him.
    if (ends && unread) await drained(request)
    response.end()
  }
}

/** The path and the query of a request's target. */
function splitUrl(url: string): [path: string, query: string] {
  const at = url.indexOf('?')
  const [path, query] = at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
  if (!path.startsWith('/'))
    throw new Refusal(400, 'malformed', 'the target of a request is a path')
  return [path, query]
}

async function send(
  response: ServerResponse,
  request: IncomingMessage,
  reply: Reply,
  cors: Readonly<Record<string, string>>,
): Promise<void> {
  const common = { ...cors, ...reply.headers }
  if ('stream' in reply) {
    response.writeHead(reply.status, { 'content-type': reply.contentType, ...common })
    response.flushHeaders()
    if (request.method !== 'HEAD') await reply.stream((text) => write(response, text))
    response.end()
    return
  }
  const text = 'json' in reply ? `${JSON.stringify(reply.json)}\n` : reply.text
  const type = 'json' in reply ? 'application/json' : reply.contentType
  if (reply.status === 204) {
    response.writeHead(204, common)
    response.end()
    return
  }
  response.writeHead(reply.status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...common,
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

/** Waits for a client that reads too slowly, up to what may lie in memory for him. */
async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed) throw new Refusal(500, 'internal', 'the client has gone')
  response.write(text)
  while (response.writableLength > UNREAD && !response.destroyed)
    await Promise.race([once(response, 'drain'), once(response, 'close')])
}

async function drained(request: IncomingMessage): Promise<void> {
  request.resume()
  const over = new AbortController()
  const { signal } = over
  await Promise.race([
    once(request, 'end', { signal }),
    once(request, 'close', { signal }),
    sleep(LINGER, undefined, { signal, ref: false }),
  ]).catch(() => {})
  over.abort()
}

/**
 * control - how operators talk to the daemon that runs: HTTP on run/control.sock.
 *
 * node:http and a table of routes; nothing here is worth a framework. Who may open the socket
 * (0660, the spool's group) may do everything. A request that goes wrong is answered and never
 * ends the daemon.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { removeSocket, socketPath } from '../queue/open.ts'

/** What one route answers: a status and a JSON body. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** `METHOD /path` to what answers it; the argument is the request's JSON body, if any. */
export type Routes = Readonly<Record<string, (body: unknown) => Promise<Answer> | Answer>>

const BODY_LIMIT = 64 * 1024
const SOCKET = 'control.sock'

/** A control socket that answers until it is closed. */
export class Control {
  readonly #server: Server
  readonly #release: () => void

  private constructor(server: Server, release: () => void) {
    this.#server = server
    this.#release = release
  }

  /** Serves the routes. The lock must be held: a socket that is there is a dead daemon's. */
  static async open(spool: string, routes: Routes): Promise<Control> {
    try {
      removeSocket(spool, SOCKET)
      const { path, release } = socketPath(spool, SOCKET)
      return new Control(await listen(path, routes), release)
    } catch (error) {
      const why = `${spool}/run/${SOCKET}: ${plainError(error)}`
      throw new MsgqError('cannot-create', why, undefined, error)
    }
  }

  /** Cuts off who still waits for an answer. A second call does nothing. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#release()
  }
}

async function listen(path: string, routes: Routes): Promise<Server> {
  const server = createServer((request, response) => {
    void respond(routes, request, response)
  })
  server.requestTimeout = 10_000
  // bind(2), which is done before listen() returns, makes the socket by the umask; it must not
  // be open to others for a moment.
  const umask = process.umask(0o117)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await once(server, 'listening')
  // A connection that cannot be accepted (no descriptor left) ends nothing but itself.
  server.on('error', () => {})
  return server
}

async function respond(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, text } = await answerTo(routes, request)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function answerTo(
  routes: Routes,
  request: IncomingMessage,
): Promise<{ status: number; text: string }> {
  try {
    const { status, body } = await route(routes, request)
    return { status, text: `${JSON.stringify(body)}\n` }
  } catch (error) {
    return { status: 500, text: `${JSON.stringify({ error: plainError(error) })}\n` }
  }
}

async function route(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const name = `${request.method} ${request.url}`
  const text = await readBody(request)
  const answer = routes[name]
  if (answer === undefined) return refuse(404, `no such route: ${name}`)
  if (text === undefined) return refuse(413, `body: over ${BODY_LIMIT} bytes`)
  let body: unknown
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch {
    return refuse(400, 'body: is no JSON')
  }
  return answer(body)
}

function refuse(status: number, error: string): Answer {
  return { status, body: { error } }
}

/** The whole body, or undefined when it is too long; it is read to its end all the same. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= BODY_LIMIT) chunks.push(chunk)
  }
  return bytes <= BODY_LIMIT ? Buffer.concat(chunks).toString() : undefined
}

/**
 * client - the line to one client: whether he is still there, and what he is sent.
 *
 * What is written waits for him in memory, within bounds. Who does not read for as long as a
 * request may take to come in is cut off: nobody keeps a connection by doing nothing. An answer
 * has left once the system has all of it.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as breath, setTimeout as sleep } from 'node:timers/promises'

import type { Share } from './hold.ts'
import type { Refusal } from './refusal.ts'
import type { Reply, StreamReply } from './reply.ts'

/** How long a client may go on sending what is not wanted, to see his answer (ms). */
const LINGER = 2_000
/** What a stream may keep in memory for a client that does not read. */
const UNREAD = 1024 * 1024

/** He hung up, or was cut off: nothing can be said to him any more. */
export class Gone extends Error {
  constructor() {
    super('the client has gone')
    this.name = 'Gone'
  }
}

type Headers = Readonly<Record<string, string>>

export interface ClientOptions {
  /** Aborts once his connection is closed. */
  readonly gone: AbortSignal
  /** For how long he may read nothing (ms). */
  readonly patience: number
  /** Headers of each answer. */
  readonly headers: Headers
}

export class Client {
  readonly request: IncomingMessage
  readonly #response: ServerResponse
  readonly #options: ClientOptions

  constructor(request: IncomingMessage, response: ServerResponse, options: ClientOptions) {
    this.request = request
    this.#response = response
    this.#options = options
  }

  /** Sends an answer; resolves once it has left, and throws where it cannot. */
  async send(reply: Reply, share: Share | undefined): Promise<void> {
    if ('stream' in reply) return this.#stream(reply, share)
    const response = this.#response
    const { status } = reply
    const headers = { ...this.#options.headers, ...reply.headers }
    if (status === 204) {
      response.writeHead(204, headers)
      response.end()
      return this.#left()
    }
    const text = 'json' in reply ? `${JSON.stringify(reply.json)}\n` : reply.text
    response.writeHead(status, {
      'content-type': 'json' in reply ? 'application/json' : reply.contentType,
      'content-length': Buffer.byteLength(text),
      ...headers,
    })
    response.end(this.request.method === 'HEAD' ? undefined : text)
    return this.#left()
  }

  /** Says why not; `ends` where it is the last thing that is said to him. */
  async refuse(refusal: Refusal, isLast: boolean): Promise<void> {
    const response = this.#response
    const { request } = this
    // A stream that broke off can only end; what it said is said.
    if (response.headersSent) {
      await breath()
      if (response.writableLength > 0) await this.#happens(response, 'drain', LINGER)
      return void response.destroy()
    }
    const text = `${JSON.stringify(refusal.problem)}\n`
    const ends = refusal.more.ends === true || isLast
    response.writeHead(refusal.status, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(text),
      ...this.#options.headers,
      ...refusal.more.headers,
      ...(ends ? { connection: 'close' } : {}),
    })
    if (request.method !== 'HEAD') response.write(text)
    // To close while he still sends would take the answer away from him.
    if (ends && !request.complete) {
      request.resume()
      await this.#happens(request, 'close', LINGER)
    }
    response.end()
    return this.#left()
  }

  async #stream(reply: StreamReply, share: Share | undefined): Promise<void> {
    const response = this.#response
    const { status, contentType, headers } = reply
    response.writeHead(status, {
      'content-type': contentType,
      ...this.#options.headers,
      ...headers,
    })
    response.flushHeaders()
    const kept = reply.isKept === true ? share : undefined
    if (this.request.method !== 'HEAD')
      await reply.stream((text) => this.#write(text, kept))
    response.end()
    return this.#left()
  }

  /** Waits for a client that reads too slowly, up to what may lie in memory for him. */
  async #write(text: string, share: Share | undefined): Promise<void> {
    const response = this.#response
    if (this.#options.gone.aborted || response.destroyed) throw new Gone()
    const bytes = Buffer.byteLength(text)
    const isHeld = share?.take(bytes) === true
    response.write(text, () => {
      if (isHeld) share.give(bytes)
    })
    if (isHeld || response.writableLength <= UNREAD) return
    if (!(await this.#happens(response, 'drain', this.#options.patience))) this.#cut()
  }

  /** What the system has not taken yet would be lost with the connection. */
  async #left(): Promise<void> {
    if (this.#response.writableLength === 0) return
    if (!(await this.#happens(this.#response, 'finish', this.#options.patience)))
      this.#cut()
  }

  #cut(): never {
    this.request.socket.destroy()
    throw new Gone()
  }

  /** False when he is gone first, or time is over. */
  async #happens(
    on: IncomingMessage | ServerResponse,
    event: string,
    patience: number,
  ): Promise<boolean> {
    const { gone } = this.#options
    if (gone.aborted) return false
    const over = new AbortController()
    const { signal } = over
    try {
      return await Promise.race([
        once(on, event, { signal }).then(() => true),
        once(gone, 'abort', { signal }).then(() => false),
        sleep(patience, false, { signal, ref: false }),
      ])
    } catch {
      return false
    } finally {
      over.abort()
    }
  }
}

/**
 * line - one connection: whether it is open still, and what is said over it that is no request.
 *
 * A response alone does not tell: of requests that came one behind the other those that wait
 * for their turn never hear that the connection is closed.
 */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import { Refusal, SOON } from './refusal.ts'

/** Requests of one connection that are under way at once. */
const MOST = 16

export class Line {
  readonly #socket: Duplex
  readonly #gone = new AbortController()
  readonly #underWay = new Set<ServerResponse>()

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.once('close', () => this.#gone.abort())
  }

  /** A request has come; `gone` aborts once nobody waits for its answer any more. */
  begin(response: ServerResponse): { readonly gone: AbortSignal } {
    this.#underWay.add(response)
    return { gone: this.#gone.signal }
  }

  /**
   * Throws (429) for one that came behind too many others: what a connection costs is bounded. Once
   * enough such answers wait behind the others Node.js reads no further.
   */
  checkRoom(): void {
    if (this.#underWay.size <= MOST) return
    const why = `${MOST} requests of this connection are under way`
    throw new Refusal(429, 'crowded', why, { headers: SOON })
  }

  end(response: ServerResponse): void {
    this.#underWay.delete(response)
  }

  /** What came is no HTTP, too large, or too slow: the last that is said here, if anything is. */
  garbled(error: NodeJS.ErrnoException): void {
    const socket = this.#socket
    const [response, ...others] = this.#underWay
    const isAmid = others.length > 0 || response?.headersSent === true
    if (socket.writable && error.code !== 'ECONNRESET' && !isAmid)
      socket.write(textOf(refusalOf(error.code)))
    socket.destroy()
  }
}

function refusalOf(code: string | undefined): Refusal {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Refusal(408, 'timeout', 'the request was not here whole in time')
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Refusal(431, 'too-large', 'headers: are over the limit of 16 KiB')
  return new Refusal(400, 'malformed', 'is no request of HTTP/1.1')
}

/** Node writes no answer to what it did not understand. */
function textOf({ status, problem }: Refusal): string {
  const text = `${JSON.stringify(problem)}\n`
  return [
    `HTTP/1.1 ${status} ${problem.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    '',
    text,
  ].join('\r\n')
}

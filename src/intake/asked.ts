/**
 * asked - a request as a route sees it: who asks, for what, and its body within limits.
 *
 * A body that is too long is refused as soon as that is known, and never held. What the bodies
 * under way take in memory together is bounded as well.
 */
import type { IncomingMessage } from 'node:http'

import { briefSize } from '../base/size.ts'
import { printable } from '../base/text.ts'
import type { Caller } from './caller.ts'
import { Refusal, SOON } from './refusal.ts'

/** Bytes that all bodies under way may take together. */
export class Hold {
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Throws (429) when there is no room; one alone is always taken. */
  take(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#most)
      throw new Refusal(429, 'crowded', 'too many bytes are under way', {
        headers: SOON,
        ends: true,
      })
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

export class Asked {
  readonly request: IncomingMessage
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts once the client has gone, or the server stops. */
  readonly signal: AbortSignal
  readonly #hold: Hold
  /** Tells a client who waits for it that his body is wanted. */
  readonly #goOn: () => void
  #held = 0

  constructor(given: {
    request: IncomingMessage
    caller: Caller
    params: Readonly<Record<string, string>>
    query: URLSearchParams
    signal: AbortSignal
    hold: Hold
    goOn: () => void
  }) {
    this.request = given.request
    this.caller = given.caller
    this.params = given.params
    this.query = given.query
    this.signal = given.signal
    this.#hold = given.hold
    this.#goOn = given.goOn
  }

  /** A header that may stand once. */
  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** The media type of the body, in lower case and without parameters. */
  get mediaType(): string | undefined {
    return this.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() || undefined
  }

  /** Throws (400) for a part of the query that is none of these, or stands twice. */
  checkQuery(names: readonly string[]): void {
    const seen = new Set<string>()
    for (const name of this.query.keys()) {
      const field = printable(name, 60)
      if (!names.includes(name))
        throw new Refusal(400, 'invalid', `${field}: is nothing that can be asked for`, {
          field,
          hint: names.length === 0 ? undefined : `there are ${names.join(', ')}`,
        })
      if (seen.has(name))
        throw new Refusal(400, 'invalid', `${field}: stands twice`, { field })
      seen.add(name)
    }
  }

  /** The whole body. Throws (413) for one that is longer. */
  async body(limit: number): Promise<Buffer> {
    this.checkEncoding()
    const said = Number(this.header('content-length') ?? 0)
    if (said > limit) throw tooLarge(limit)
    this.#take(said)
    this.#goOn()
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limit) throw tooLarge(limit)
      if (bytes > this.#held) this.#take(chunk.length)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks, bytes)
  }

  /** Throws (415) for a body that is packed: nobody here unpacks bombs. */
  checkEncoding(): void {
    const encoding = this.header('content-encoding') ?? 'identity'
    if (encoding.toLowerCase() === 'identity') return
    throw new Refusal(
      415,
      'media-type',
      `content-encoding: ${printable(encoding, 60)} is not taken`,
      { hint: 'send the body as it is', ends: true },
    )
  }

  /** The body as it comes, for what is done with it piece by piece. */
  pieces(): AsyncIterable<Buffer> {
    this.checkEncoding()
    this.#goOn()
    return this.request as AsyncIterable<Buffer>
  }

  /** Lets go of what the body took. */
  end(): void {
    this.#hold.give(this.#held)
    this.#held = 0
  }

  #take(bytes: number): void {
    this.#hold.take(bytes)
    this.#held += bytes
  }
}

export function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'too-large', `body: is over the limit of ${briefSize(limit)}`, {
    hint: 'message_size_limit in msgq.toml sets it',
    ends: true,
  })
}

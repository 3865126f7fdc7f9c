/**
 * asked - a request as a route sees it: who asks, for what, and its body within limits.
 *
 * A body that is too long is refused as soon as that is known, and never held. What all of them
 * take in memory together is bounded as well (hold.ts).
 */
import type { IncomingMessage } from 'node:http'

import { briefSize } from '../base/size.ts'
import { printable } from '../base/text.ts'
import type { Caller } from './caller.ts'
import type { Share } from './hold.ts'
import { Refusal, SOON } from './refusal.ts'

export class Asked {
  readonly request: IncomingMessage
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts once the client has gone, or the server stops. */
  readonly signal: AbortSignal
  /** What it has in memory. */
  readonly share: Share
  readonly #callerNow: () => Caller
  #onEnd: () => void = () => {}
  /** Tells a client who waits for it that his body is wanted. */
  readonly #goOn: () => void

  constructor(given: {
    request: IncomingMessage
    caller: Caller
    params: Readonly<Record<string, string>>
    query: URLSearchParams
    signal: AbortSignal
    share: Share
    goOn: () => void
    callerNow: () => Caller
  }) {
    this.request = given.request
    this.caller = given.caller
    this.params = given.params
    this.query = given.query
    this.signal = given.signal
    this.share = given.share
    this.#goOn = given.goOn
    this.#callerNow = given.callerNow
  }

  /** A header that may stand once; throws (400) for two of them, which would become one. */
  header(name: string): string | undefined {
    const [value, ...others] = this.request.headersDistinct[name] ?? []
    if (others.length > 0)
      throw new Refusal(400, 'invalid', `${name}: stands twice`, { field: name })
    return value
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

  /** The whole body. Throws (413) for one that is longer, and (429) while there is no room. */
  async body(limit: number): Promise<Buffer> {
    this.checkEncoding()
    const said = Number(this.header('content-length') ?? 0)
    if (said > limit) throw tooLarge(limit)
    if (!this.share.hasRoom(said)) throw crowded()
    this.#goOn()
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of this.#chunks()) {
      bytes += chunk.length
      if (bytes > limit) throw tooLarge(limit)
      if (!this.share.take(chunk.length)) throw crowded()
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

  /** The body as it comes, for what is done with it piece by piece; throws at a stop. */
  pieces(): AsyncIterable<Buffer> {
    this.checkEncoding()
    this.#goOn()
    return unless(this.signal, this.#chunks())
  }

  /** Who stops reading has still something to say: that must not close the connection. */
  #chunks(): AsyncIterable<Buffer> {
    return this.request.iterator({ destroyOnReturn: false })
  }

  /** Calls back once it was answered, however. */
  onEnd(call: () => void): void {
    this.#onEnd = call
  }

  /** It was answered: lets go of what it had. */
  end(): void {
    this.share.end()
    this.#onEnd()
  }

  /** Throws once whoever asked may not any more: a stream is longer than a token's life. */
  checkStill(): void {
    this.#callerNow()
  }
}

/** What comes, until the signal aborts: one who pauses must not keep us waiting. */
async function* unless<T>(signal: AbortSignal, input: AsyncIterable<T>): AsyncGenerator<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    else signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  aborted.catch(() => {})
  const pieces = input[Symbol.asyncIterator]()
  for (;;) {
    const { done, value } = await Promise.race([pieces.next(), aborted])
    if (done === true) return
    yield value
  }
}

/** There is no room in memory for what comes in. */
export function crowded(): Refusal {
  return new Refusal(429, 'crowded', 'too many bytes are under way', {
    headers: SOON,
    ends: true,
  })
}

export function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'too-large', `body: is over the limit of ${briefSize(limit)}`, {
    hint: 'message_size_limit in msgq.toml sets it',
    ends: true,
  })
}

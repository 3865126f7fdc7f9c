/**
 * receiver - for who writes the other end in Node: checks a request of msgq, and drops repeats.
 *
 * `msgq/receiver` of the package. Needs Node and nothing else, and does nothing when it is imported.
 * Speaks Standard Webhooks, so it serves other senders of that kind as well. What a sender got
 * wrong is a ReceiveError with the status to answer; what the operator of the receiver got wrong,
 * a secret that is none, is an Error of another kind.
 */
import { systemClock } from '../base/clock.ts'
import { checkingKey, isSigned } from '../message/signature.ts'

/** Headers of node:http, of fetch, or any object of names in lower case. */
export type HeadersLike =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined }

export interface VerifyOptions {
  /** `whsec_...` (v1) or `whpk_...` (v1a); several while one is being changed. */
  readonly secrets: string | readonly string[]
  readonly headers: HeadersLike
  /** The body as it came, byte by byte, before anything parses it. */
  readonly body: Uint8Array | string
  /** How far the time of the request may be from ours, in seconds; 300 without a word. */
  readonly tolerance?: number
  /** Epoch ms; the clock of the machine without a word. */
  readonly now?: number
}

/** A request that is what it says. */
export interface Verified {
  /** The same at each attempt at one message: what repeats are known by. */
  readonly id: string
  /** When it was sent. */
  readonly sentAt: Date
  /** Which attempt it is, from 1, where the sender says so. */
  readonly attempt?: number
}

/** Why a request is not taken. */
export class ReceiveError extends Error {
  readonly code: 'missing' | 'malformed' | 'expired' | 'mismatch' | 'too-large'
  /** To answer with. */
  readonly status: 400 | 401 | 413

  constructor(code: ReceiveError['code'], message: string) {
    super(message)
    this.name = 'ReceiveError'
    this.code = code
    this.status = STATUS[code]
  }
}

const STATUS = {
  missing: 401,
  malformed: 400,
  expired: 401,
  mismatch: 401,
  'too-large': 413,
} as const

const TOLERANCE = 300
const MOST = 10 * 1024 * 1024

/** Checks a request. Throws a ReceiveError for one that is not signed by one of the secrets. */
export function verify(options: VerifyOptions): Verified {
  const { secrets, headers, body, tolerance = TOLERANCE } = options
  const now = options.now ?? systemClock.now()
  const keys = (typeof secrets === 'string' ? [secrets] : secrets).map(checkingKey)
  const [id, time, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    headerOf(headers, `webhook-${name}`),
  )
  if (id === undefined || time === undefined || signatures === undefined)
    throw new ReceiveError('missing', 'webhook-id, -timestamp or -signature is missing')
  // What is signed could otherwise be read in two ways.
  if (id.includes('.')) throw new ReceiveError('malformed', 'webhook-id has a dot')
  const timestamp = /^\d{1,12}$/.test(time) ? Number(time) : NaN
  if (Number.isNaN(timestamp))
    throw new ReceiveError('malformed', 'webhook-timestamp is no time in seconds')
  if (Math.abs(now / 1000 - timestamp) > tolerance)
    throw new ReceiveError('expired', 'webhook-timestamp is too far from the time here')
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  if (!isSigned(keys, { id, timestamp }, bytes, signatures))
    throw new ReceiveError('mismatch', 'no signature is one of ours')
  const attempt = Number(headerOf(headers, 'msgq-attempt'))
  const sentAt = new Date(timestamp * 1000)
  return {
    id,
    sentAt,
    ...(Number.isSafeInteger(attempt) && attempt > 0 ? { attempt } : {}),
  }
}

function headerOf(headers: HeadersLike, name: string): string | undefined {
  const held =
    typeof headers['get'] === 'function'
      ? (headers as { get(name: string): string | null }).get(name)
      : (headers as { readonly [name: string]: string | readonly string[] | undefined })[
          name
        ]
  const first = typeof held === 'object' && held !== null ? held[0] : held
  return first === '' ? undefined : (first ?? undefined)
}

/** A request of node:http, or of fetch (Bun, Deno, Hono, Next.js). */
export type RequestLike =
  | { readonly headers: HeadersLike; [Symbol.asyncIterator](): AsyncIterator<unknown> }
  | { readonly headers: HeadersLike; readonly body: AsyncIterable<unknown> | null }

/** A request that is what it says, with its body. */
export interface Received extends Verified {
  readonly body: Buffer
}

/** Reads the body of a request and checks it. Throws as `verify`; 413 for a body over `limit`. */
export async function receive(
  request: RequestLike,
  options: Pick<VerifyOptions, 'secrets' | 'tolerance' | 'now'> & {
    /** Longest body that is read, in bytes; 10 MiB without a word. */
    readonly limit?: number
  },
): Promise<Received> {
  const { limit = MOST, ...rest } = options
  const source = Symbol.asyncIterator in request ? request : (request.body ?? [])
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > limit)
      throw new ReceiveError('too-large', `the body is longer than ${limit} bytes`)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  return { ...verify({ ...rest, headers: request.headers, body }), body }
}

/**
 * The messages that were dealt with, by id, in memory: the latest so many. After a restart it knows
 * of none. Who needs more writes the id where he writes what came of the message, in one go.
 */
export class Repeats {
  readonly #done = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #limit: number

  constructor({ limit = 100_000 }: { readonly limit?: number } = {}) {
    this.#limit = limit
  }

  /**
   * Does something with a message once: true when it was done now, false when it had been. Two
   * requests with one message at the same time: the second waits for the first. What throws was
   * not done, and the next attempt does it.
   */
  async once(id: string, act: () => unknown): Promise<boolean> {
    for (;;) {
      if (this.#done.has(id)) return false
      const running = this.#running.get(id)
      if (running === undefined) break
      await running.catch(() => {})
    }
    const running = (async () => void (await act()))()
    this.#running.set(id, running)
    try {
      await running
      this.#remember(id)
      return true
    } finally {
      this.#running.delete(id)
    }
  }

  #remember(id: string): void {
    this.#done.add(id)
    // A set keeps the order in which it was filled.
    for (const oldest of this.#done) {
      if (this.#done.size <= this.#limit) return
      this.#done.delete(oldest)
    }
  }
}

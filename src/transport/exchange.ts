/**
 * exchange - one request on the wire and what came back, with one timer over all of it.
 *
 * Ends exactly once, in data: an answer, a failure, silence, or because it was told to stop.
 * Once the head of an answer is there the exchange is answered, whatever happens to the rest.
 * Reads at most 16 KiB of an answer, then drops the connection; keeps the first 4 KiB, or as
 * much of both as it is told.
 * A body that is a stream is opened here and is closed at the end, however it comes.
 *
 * undici's dispatch and not its `request`: an AbortSignal there costs a third of the rate, and
 * it hears of neither timer nor signal while a connection is still being made.
 */
import type { Readable } from 'node:stream'

import type { Dispatcher } from 'undici'

import type { Body } from '../message/body.ts'
import type { Answer } from './answer.ts'

const READ_LIMIT = 16 * 1024
/** So much of an answer is kept. */
export const KEPT = 4 * 1024
const NOTHING = Buffer.alloc(0)
/** The longest span that a timer of Node's can wait. */
const LONGEST = 2 ** 31 - 1

/** How an exchange ended. `sent`: something of the request may have reached the receiver. */
export type Exchanged =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: unknown; readonly sent: boolean }
  /** Our own body could not be read. */
  | { readonly kind: 'unreadable'; readonly error: unknown; readonly sent: boolean }
  /** The time was over. */
  | { readonly kind: 'silent'; readonly sent: boolean }
  | { readonly kind: 'stopped'; readonly sent: boolean }

/** What goes over the wire, and how long that may take in all. */
export interface ExchangeOptions {
  readonly method: string
  readonly path: string
  readonly headers: string[]
  readonly body: Body
  readonly timeout: number
  readonly headersTimeout: number
  /** How much of an answer is kept, where that is more than usual. */
  readonly kept?: number
}

/** One exchange. It starts when it is made; `ended` never rejects. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Exchanged>
  #resolve: ((how: Exchanged) => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #source: Readable | undefined
  #sourceError: unknown
  #head: Omit<Answer, 'bytes'> | undefined
  #kept: Buffer[] = []
  #read = 0
  readonly #most: number

  constructor(dispatcher: Dispatcher, options: ExchangeOptions) {
    this.#most = options.kept ?? KEPT
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#start(dispatcher, options)
  }

  #start(dispatcher: Dispatcher, options: ExchangeOptions): void {
    const { method, path, headers, timeout, headersTimeout } = options
    let body: Uint8Array | Readable | null
    try {
      body = this.#open(options.body)
    } catch (error) {
      this.#end({ kind: 'unreadable', error, sent: false })
      return
    }
    if (Number.isFinite(timeout))
      this.#timer = setTimeout(() => this.#expire(), Math.min(timeout, LONGEST))
    dispatcher.dispatch(
      {
        method: method as Dispatcher.HttpMethod,
        path,
        headers,
        body,
        // A limit that our own timer covers costs undici a timer for nothing.
        headersTimeout: headersTimeout < timeout ? headersTimeout : 0,
        bodyTimeout: 0,
      },
      this,
    )
  }

  #open(body: Body): Uint8Array | Readable | null {
    if (body.kind === 'bytes') return body.bytes.length === 0 ? null : body.bytes
    const source = body.open() as Readable
    // It may fail before undici listens, and after it has ceased to.
    source.on('error', (error) => {
      this.#sourceError ??= error
    })
    this.#source = source
    return source
  }

  /** Ends it now: our daemon stops, or the transport closes. */
  stop(): void {
    this.#cut({ kind: 'stopped', sent: this.#sent })
  }

  #expire(): void {
    this.#cut({ kind: 'silent', sent: this.#sent })
  }

  get #sent(): boolean {
    return this.#controller !== undefined
  }

  /** Ends it from our side: with the answer if its head is there, else as `how` says. */
  #cut(how: Exchanged): void {
    this.#end(this.#answered() ?? how)
    this.#controller?.abort(new Error('cut off'))
  }

  #answered(): Exchanged | undefined {
    if (this.#head === undefined) return undefined
    const [only = NOTHING] = this.#kept
    const bytes = this.#kept.length > 1 ? Buffer.concat(this.#kept) : only
    return {
      kind: 'answered',
      answer: { ...this.#head, bytes: bytes.subarray(0, this.#most) },
    }
  }

  #end(how: Exchanged): void {
    const resolve = this.#resolve
    if (resolve === undefined) return
    this.#resolve = undefined
    clearTimeout(this.#timer)
    this.#source?.destroy()
    resolve(how)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Ended while the connection was being made: nothing may be written any more.
    if (this.#resolve === undefined) controller.abort(new Error('cut off'))
    else this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Answer['headers'],
    statusText?: string,
  ): void {
    // 1xx comes before the answer and is none.
    if (status >= 200) this.#head = { status, headers, statusText: statusText ?? '' }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#read < this.#most) this.#kept.push(chunk)
    this.#read += chunk.length
    if (this.#read > READ_LIMIT && this.#read > this.#most)
      this.#cut({ kind: 'silent', sent: true })
  }

  onResponseEnd(): void {
    const answered = this.#answered()
    if (answered !== undefined) this.#end(answered)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const kind = this.#source !== undefined && error === this.#sourceError
    this.#end(
      this.#answered() ?? {
        kind: kind ? 'unreadable' : 'failed',
        error,
        sent: this.#sent,
      },
    )
  }
}

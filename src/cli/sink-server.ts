/**
 * sink-server - a receiver for trying things out: tells what arrives, answers by a script.
 *
 * Counts every message, and as a repeat each arrival of one that it had answered with 2xx.
 * Reads bodies of any length and keeps none. For tests and demonstrations: it authenticates
 * nobody and listens on loopback unless it is told otherwise.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { ReceiveError, verify } from '../receiver/receiver.ts'
import { parseScript } from './sink-answers.ts'
import type { SinkAnswer, SinkScript } from './sink-answers.ts'

/** So much of a body is looked at for its first line. */
const GLANCE = 256

/** One request, as soon as all of it has arrived. */
export interface Arrival {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly bytes: number
  /** Its webhook-id. */
  readonly id?: string
  readonly attempt?: number
  readonly key?: string
  /** What it will be answered, as in the script. */
  readonly answer: string
  /** The same message had been answered with 2xx before. */
  readonly repeat: boolean
  /** The first line of a body that is text. */
  readonly text?: string
}

export interface SinkSetup {
  /** 0 is any that is free. */
  readonly port?: number
  readonly bind?: string
  /** `[PATH=]ANSWER[,ANSWER]...` */
  readonly answers?: readonly string[]
  /** Delays each answer by so many ms. */
  readonly slow?: number
  readonly clock?: Clock
  /** Answers 401 to what is not signed by one of these; bodies are then read whole. */
  readonly secrets?: readonly string[]
  /** Told of each request before it is answered; the answer waits for a promise. */
  readonly onArrival?: (arrival: Arrival) => void | Promise<void>
  /** Told once an answer is out, or will never be. */
  readonly onAnswered?: () => void
}

/** A receiver that listens, until it is closed. */
export class Sink {
  /** How often each message arrived, by its webhook-id. */
  readonly times = new Map<string, number>()
  /** The messages that were answered with 2xx. */
  readonly accepted = new Set<string>()
  requests = 0
  repeats = 0
  /** Requests that broke off before they were whole; they count nowhere else. */
  broken = 0
  /** Requests whose signature was none of ours. */
  unsigned = 0
  url = ''
  port = 0
  readonly #setup: SinkSetup
  readonly #script: SinkScript
  readonly #clock: Clock
  readonly #server: Server

  constructor(setup: SinkSetup) {
    this.#setup = setup
    this.#script = parseScript(setup.answers ?? [])
    this.#clock = setup.clock ?? systemClock
    this.#server = createServer((request, response) => this.#receive(request, response))
    // Whoever tries out slow senders wants to see them through.
    this.#server.requestTimeout = 0
  }

  /** How many messages there were, however often they came. */
  get unique(): number {
    return this.times.size
  }

  async listen(port: number, bind: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(cannotListen(error, port, bind)))
      this.#server.listen(port, bind, resolve)
    })
    const address = this.#server.address() as AddressInfo
    this.port = address.port
    this.url = `http://${bind.includes(':') ? `[${bind}]` : bind}:${address.port}`
  }

  /** Stops listening and drops all connections, answered or not. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const head: Buffer[] = []
    const { secrets } = this.#setup
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      if (secrets !== undefined) head.push(chunk)
      else if (bytes < GLANCE) head.push(chunk.subarray(0, GLANCE))
      bytes += chunk.length
    })
    request.on('error', () => this.broken++)
    request.on('end', () => {
      if (secrets !== undefined && !this.#isOurs(request, Buffer.concat(head), secrets)) {
        this.unsigned++
        response.writeHead(401).end('msgq sink: the signature is none of ours\n')
        return
      }
      const text = firstLine(Buffer.concat(head).subarray(0, GLANCE))
      this.#arrived(request, response, bytes, text).catch(() => response.destroy())
    })
  }

  #isOurs(request: IncomingMessage, body: Buffer, secrets: readonly string[]): boolean {
    try {
      const { headers } = request
      verify({ secrets, headers, body, now: this.#clock.now() })
      return true
    } catch (error) {
      if (error instanceof ReceiveError) return false
      throw error
    }
  }

  async #arrived(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: number,
    text: string,
  ): Promise<void> {
    const { method = '', url: path = '/', headers } = request
    const answer = this.#script.next(path.replace(/\?.*$/s, ''))
    const id = one(headers['webhook-id'])
    const attempt = Number(one(headers['msgq-attempt']))
    const key = one(headers['idempotency-key'])
    const repeat = id !== undefined && this.accepted.has(id)
    this.requests++
    if (repeat) this.repeats++
    if (id !== undefined) this.times.set(id, (this.times.get(id) ?? 0) + 1)
    await this.#setup.onArrival?.({
      at: this.#clock.now(),
      method,
      path,
      bytes,
      ...(id === undefined ? {} : { id }),
      ...(attempt > 0 ? { attempt } : {}),
      ...(key === undefined ? {} : { key }),
      answer: answer.text,
      repeat,
      ...(text === '' ? {} : { text }),
    })
    const { slow = 0 } = this.#setup
    if (slow > 0) setTimeout(() => this.#answer(response, answer, id), slow).unref()
    else this.#answer(response, answer, id)
  }

  #answer(response: ServerResponse, answer: SinkAnswer, id: string | undefined): void {
    // Never answered; or the sender has left already, and nobody will say so any more.
    if (answer.kind === 'timeout' || response.destroyed) {
      this.#setup.onAnswered?.()
      return
    }
    response.once('close', () => {
      // An answer that the sender did not wait for is none.
      if (response.writableFinished && response.statusCode < 300 && id !== undefined)
        this.accepted.add(id)
      this.#setup.onAnswered?.()
    })
    if (answer.kind === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    const { status, retryAfter } = answer
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    })
    response.end(status < 300 ? 'ok\n' : `msgq sink plays ${status}\n`)
  }
}

function cannotListen(error: unknown, port: number, bind: string): MsgqError {
  const where = `${bind} port ${port}`
  switch (errnoOf(error)) {
    case 'EADDRINUSE':
      return new MsgqError(
        'unavailable',
        `${where}: already in use`,
        'name another port, or 0 for any that is free: msgq sink 0',
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new MsgqError(
        'unavailable',
        `${where}: is no address of this machine`,
        '--bind 127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses',
        error,
      )
    case 'EACCES':
      return new MsgqError(
        'no-permission',
        `${where}: permission denied`,
        'ports below 1024 belong to root: name a higher one',
        error,
      )
  }
  return new MsgqError('unavailable', `${where}: ${plainError(error)}`, undefined, error)
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

/** The first line of what reads as text, else nothing. */
function firstLine(bytes: Buffer): string {
  if (bytes.includes(0)) return ''
  // What was cut in the middle of a character must not count as binary.
  const text = bytes.toString('utf8').replace(/\ufffd{1,3}$/, '')
  return text.includes('\ufffd')
    ? ''
    : printable(text.trimStart().split(/[\r\n]/, 1)[0] ?? '', 80)
}

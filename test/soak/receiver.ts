/**
 * receiver - a receiver that fails, hangs, resets and lies until it is told to be good, and
 * keeps the record of what it answered.
 *
 * What it does to the n-th arrival of a message depends on the seed alone. Not the sink of
 * `msgq sink`: that one plays its script in order and knows no lies.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Chance } from './chance.ts'

/** What it does, and how often. `lie`: says 200, and resets before the answer is whole. */
const MOODS = {
  good: 48,
  late: 6,
  unavailable: 10,
  busy: 2,
  refused: 5,
  hang: 3,
  reset: 8,
  garbage: 6,
  redirect: 3,
  lie: 9,
} as const
type Mood = keyof typeof MOODS

/** How a body looks: the token of its message, and an end that shows it to be whole. */
const BODY = /^soak (\S+) x* end$/

/** A body with a token, of about so many bytes. */
export function bodyWith(token: string, size: number): string {
  return `soak ${token} ${'x'.repeat(size)} end`
}

export class Receiver {
  /** Ids whose answer 2xx went out whole. */
  readonly accepted = new Set<string>()
  /** Ids that were told 200 in an answer that then broke off. */
  readonly lied = new Set<string>()
  /** The ids under which each token arrived. */
  readonly ids = new Map<string, Set<string>>()
  /** Arrivals of messages that had been told 2xx before. */
  repeats = 0
  requests = 0
  /** Requests that no message of ours can be. */
  readonly strange: string[] = []
  good = false
  url = ''
  readonly #seed: number
  readonly #times = new Map<string, number>()
  readonly #server: Server

  constructor(seed: number) {
    this.#seed = seed
    this.#server = createServer((request, response) => {
      request.on('error', () => {})
      this.#receive(request, response).catch(() => response.destroy())
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** True for a message that was told 2xx, by word or by a lie. */
  took(id: string): boolean {
    return this.accepted.has(id) || this.lied.has(id)
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const token = BODY.exec(text)?.[1]
    const id = request.headers['webhook-id']
    if (typeof id !== 'string' || token === undefined) {
      this.strange.push(`${String(id)}: ${text.slice(0, 80)}`)
      response.writeHead(500).end()
      return
    }
    this.requests++
    if (this.took(id)) this.repeats++
    this.ids.set(token, (this.ids.get(token) ?? new Set()).add(id))
    const times = (this.#times.get(token) ?? 0) + 1
    this.#times.set(token, times)
    const dice = new Chance(this.#seed, `${token} ${times}`)
    this.#answer(this.good ? 'good' : dice.pick(MOODS), id, response, dice)
  }

  #answer(mood: Mood, id: string, response: ServerResponse, dice: Chance): void {
    const { socket } = response
    // Who has left is told nothing.
    if (response.destroyed || socket === null) return
    switch (mood) {
      case 'good':
        return this.#accept(id, response)
      case 'late':
        setTimeout(() => this.#accept(id, response), dice.between(20, 600)).unref()
        return
      case 'unavailable':
        response.writeHead(503).end('later')
        return
      case 'busy':
        response.writeHead(429, { 'retry-after': '1' }).end('slowly')
        return
      case 'refused':
        response.writeHead(400).end('no')
        return
      case 'redirect':
        response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
        return
      case 'hang':
        return
      case 'reset':
        socket.resetAndDestroy()
        return
      case 'garbage':
        socket.end('\0\u0001HTTP/9 what\r\n\r\n\0')
        return
      case 'lie':
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nyes', (error) => {
          if (!error) this.lied.add(id)
          setTimeout(() => socket.resetAndDestroy(), dice.between(0, 30)).unref()
        })
    }
  }

  #accept(id: string, response: ServerResponse): void {
    if (response.destroyed) return
    response.once('close', () => {
      if (response.writableFinished) this.accepted.add(id)
    })
    response.end('ok')
  }
}

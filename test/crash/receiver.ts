/**
 * receiver - takes what a daemon delivers, and remembers by its mark what was accepted.
 *
 * The mark of a message is the path of its URL, which it keeps through its whole life; its id is
 * what msgq says it is. A body that is not the one sent is remembered too.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Running } from './program.ts'

/** An answer that never comes. */
export const SILENT = 0

export class Receiver {
  /** What everybody is answered from now on whose mark has no answers of its own left. */
  answer = 200
  /** Answers to come, by mark. */
  readonly answers = new Map<string, number[]>()
  /** What a message holds, by mark; `hello` where nothing is said. */
  readonly bodies = new Map<string, string>()
  /** Marks whose bodies nobody can know before. */
  readonly free = new Set<string>()
  /** Marks that came with another body. */
  readonly garbled: string[] = []
  /** How many requests there were. */
  requests = 0
  readonly #server: Server
  readonly #accepted = new Map<string, string[]>()
  url = ''

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        this.requests++
        const mark = (request.url ?? '').slice(1)
        const id = String(request.headers['webhook-id'])
        const answer = this.answers.get(mark)?.shift() ?? this.answer
        if (answer === SILENT) return
        const said = this.bodies.get(mark) ?? 'hello'
        const whole = this.free.has(mark) || Buffer.concat(parts).toString() === said
        response.once('close', () => {
          if (!response.writableFinished || answer >= 300) return
          this.#accept(mark, id)
          if (!whole) this.garbled.push(mark)
        })
        response.writeHead(answer).end()
      })
      request.on('error', () => {})
    })
  }

  /** A receiver that listens on loopback. */
  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    const server = receiver.#server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return receiver
  }

  /** The id of each time that a message was accepted. */
  idsOf(mark: string): readonly string[] {
    return this.#accepted.get(mark) ?? []
  }

  /** Resolves once somebody asked, or the daemon has ended or put off what it would ask with. */
  async asked(daemon: Running): Promise<void> {
    let isPutOff = false
    void daemon.said(/tried again in a minute/).then(() => (isPutOff = true))
    while (this.requests === 0 && daemon.alive() && !isPutOff) await sleep(20)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(mark: string, id: string): void {
    this.#accepted.set(mark, [...this.idsOf(mark), id])
  }
}

/**
 * receiver - takes what a daemon delivers, and remembers by its mark what was accepted.
 *
 * The mark of a message is the path of its URL, which it keeps through its whole life; its id is
 * what msgq says it is.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class Receiver {
  /** What everybody is answered from now on whose mark has no answers of its own left. */
  answer = 200
  /** Answers to come, by mark. */
  readonly answers = new Map<string, number[]>()
  readonly #server: Server
  readonly #accepted = new Map<string, string[]>()
  url = ''

  private constructor() {
    this.#server = createServer((request, response) => {
      request.resume().on('end', () => {
        const mark = (request.url ?? '').slice(1)
        const id = String(request.headers['webhook-id'])
        const answer = this.answers.get(mark)?.shift() ?? this.answer
        response.once('close', () => {
          if (response.writableFinished && answer < 300) this.#accept(mark, id)
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

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(mark: string, id: string): void {
    this.#accepted.set(mark, [...this.idsOf(mark), id])
  }
}

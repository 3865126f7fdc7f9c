/**
 * support - makes attempts, and receivers on loopback, for the tests of the transport.
 */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import type { Destination, HttpDestination, HttpOptions } from '../../src/config/config.ts'
import type { Body } from '../../src/message/body.ts'
import { seal } from '../../src/message/envelope.ts'
import type { Draft } from '../../src/message/draft.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import type { HttpTransportOptions } from '../../src/transport/http.ts'
import type { Attempt, Transport } from '../../src/transport/transport.ts'

export const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'

/** Generous limits, and every address allowed. */
export function httpOf(more: Partial<HttpOptions> = {}): HttpOptions {
  const spans = { timeout: 20_000, connectTimeout: 20_000, headersTimeout: 20_000 }
  return { ...spans, deny: [], allow: [], ...more }
}

/** A destination with the defaults of a bare one and generous limits. */
export function destinationOf(
  url: HttpDestination['url'],
  more: Partial<HttpDestination> = {},
): HttpDestination {
  return {
    name: 'crm',
    type: 'http',
    url,
    method: 'POST',
    headers: {},
    retry: { min: 1, factor: 2, max: 10, jitter: 0, tries: 0, lifetime: 1000 },
    http: httpOf(),
    lane: { window: 20 },
    where: 'test',
    ...more,
  }
}

/** Limits in which a test waits for one of them. */
export function limits(timeout: number, connectTimeout = 20_000) {
  return { http: httpOf({ timeout, connectTimeout }) }
}

/** An attempt at a message of a few bytes. */
export function attemptOf<D extends Destination>(
  destination: D,
  body: Body | string = '{"a":1}',
  draft: Partial<Draft> = {},
): Attempt<D> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.alloc(0)
  return {
    envelope: seal({ to: 'crm', ...draft }, bytes, { id: ID, now: 0, sender: { uid: 0 } }),
    body: typeof body === 'string' ? { kind: 'bytes', bytes } : body,
    destination,
    number: 3,
  }
}

/** A transport that the end of the test closes. */
export function transportFor(
  t: Test,
  options: Partial<HttpTransportOptions> = {},
): Transport {
  const transport = createHttpTransport({
    clock: systemClock,
    version: '1.2.3',
    secrets: () => 'the-secret',
    env: {},
    ...options,
  })
  t.teardown(() => transport.close())
  return transport
}

/** Delivers once, and throws what `deliver` must never throw. */
export async function deliver(
  t: Test,
  attempt: Attempt,
  options: Partial<HttpTransportOptions> = {},
): Promise<Outcome> {
  return transportFor(t, options).deliver(attempt, new AbortController().signal)
}

/** Listens on a free port of loopback until the test ends; answers with the port. */
export async function listen(t: Test, server: Server | NetServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** The URL of an HTTP receiver. */
export async function receiver(t: Test, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(listener))}`
}

/** The URL of a receiver that speaks whatever `onSocket` does. */
export async function rawReceiver(
  t: Test,
  onSocket: (socket: Socket) => void,
): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createNetServer(onSocket))}`
}

/** A receiver that writes the same bytes at each request, whole or not. */
export function speaking(t: Test, bytes: string | Buffer, end = false): Promise<string> {
  return rawReceiver(t, (socket) => {
    socket.on('data', () => (end ? socket.end(bytes) : socket.write(bytes)))
  })
}

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly raw: readonly string[]
  readonly body: Buffer
}

/** A receiver that answers 200 and keeps what it got. */
export async function recorder(t: Test): Promise<{ url: string; got: Received[] }> {
  const got: Received[] = []
  const url = await receiver(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', headers, rawHeaders } = request
      const body = Buffer.concat(chunks)
      got.push({ method, url: request.url ?? '', headers, raw: rawHeaders, body })
      response.end('ok')
    })
  })
  return { url, got }
}

/** Resolves once `condition` holds; throws after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let left = 1000; !condition(); left--) {
    if (left === 0) throw new Error('it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

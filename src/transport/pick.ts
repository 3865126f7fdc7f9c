/**
 * pick - one transport in front of all: each attempt goes the way of its destination's type.
 *
 * http is always there, because every bare URL goes that way; each other one is loaded and
 * made when it is first used. One that cannot be loaded throws, which defers the message.
 */
import type { Destination, HttpDestination } from '../config/config.ts'
import { createHttpTransport } from './http.ts'
import type { Attempt, Transport, TransportOptions } from './transport.ts'

type Other = Exclude<Destination, HttpDestination>
type Openers = {
  readonly [T in Other['type']]: () => Promise<Transport<Extract<Other, { type: T }>>>
}

/** The transport that the daemon uses. */
export function createTransport(options: TransportOptions): Transport {
  const http = createHttpTransport(options)
  const openers: Openers = {
    exec: () => import('./exec.ts').then((it) => it.createExecTransport(options)),
    smtp: () => import('./smtp.ts').then((it) => it.createSmtpTransport(options)),
    file: () => import('./file.ts').then((it) => it.createFileTransport()),
  }
  const open = new Map<string, Promise<Transport<Other>>>()

  function other({ type }: Other): Promise<Transport<Other>> {
    let made = open.get(type)
    if (made === undefined) {
      made = openers[type]() as Promise<Transport<Other>>
      open.set(type, made)
      // The next attempt may find what this one missed.
      made.catch(() => open.delete(type))
    }
    return made
  }

  return {
    deliver(attempt, signal) {
      if (isHttp(attempt)) return http.deliver(attempt, signal)
      const its = attempt as Attempt<Other>
      return other(its.destination).then((transport) => transport.deliver(its, signal))
    },
    async close() {
      const others = await Promise.allSettled(open.values())
      const made = others.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
      await Promise.all([http, ...made].map((transport) => transport.close()))
    },
  }
}

function isHttp(attempt: Attempt): attempt is Attempt<HttpDestination> {
  return attempt.destination.type === 'http'
}

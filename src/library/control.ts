/**
 * control - asks the daemon that serves a spool, over HTTP on run/control.sock.
 *
 * That nobody listens is an answer (undefined) and no error: every command works without a
 * daemon. A daemon that listens and says nothing in time is `temporary`; nothing is known then
 * of what it did. Asks by node:http: undici, by which msgqd delivers, takes half of the CPU of a
 * `msgq mailq` to load.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import { formatDuration } from '../base/duration.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { socketPath } from '../queue/open.ts'
import type { SocketPath } from '../queue/open.ts'

/** What the daemon answered; its body is JSON. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

const SOCKET = 'control.sock'
/** A daemon that takes longer to answer hangs (ms). */
const PATIENCE = 5_000

/** Asks the daemon of a spool; undefined when none listens. */
export async function askDaemon(
  spool: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  patience: number = PATIENCE,
): Promise<Answer | undefined> {
  const signal = AbortSignal.timeout(patience)
  let socket: SocketPath | undefined
  try {
    socket = socketPath(spool, SOCKET)
    const { request } = await import('node:http')
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = text === '' ? {} : { 'content-length': Buffer.byteLength(text) }
    // No agent: it would keep the connection for the next daemon under the same path.
    const to = { socketPath: socket.path, method, path, headers, signal, agent: false }
    const asked = request(to)
    asked.end(text)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const said = await response.setEncoding('utf8').toArray()
    return { status: response.statusCode!, body: JSON.parse(said.join('')) }
  } catch (error) {
    if (isNobody(error)) return undefined
    throw asMsgqError(error, spool, signal.aborted ? patience : undefined)
  } finally {
    socket?.release()
  }
}

/** The socket is not there, or the daemon that made it is dead. */
function isNobody(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')
}

/** `patience` where that is what ended it. */
function asMsgqError(error: unknown, spool: string, patience?: number): MsgqError {
  const code = errnoOf(error)
  if (code === 'EACCES' || code === 'EPERM')
    return new MsgqError(
      'no-permission',
      `msgqd: its socket in ${spool}/run: ${plainError(error)}`,
      'run as the user of the spool or as root, or as a member of its group',
      error,
    )
  const why =
    patience === undefined
      ? `did not answer: ${plainError(error)}`
      : `does not answer within ${formatDuration(patience)}`
  return new MsgqError(
    'temporary',
    `msgqd: ${why}`,
    'try again; msgqd says in its log what it does',
    error,
  )
}

/**
 * control - asks the daemon that serves a spool, over HTTP on run/control.sock.
 *
 * That nobody listens is an answer (undefined) and no error: every command works without a
 * daemon. A daemon that listens and says nothing in time is `temporary`; nothing is known then
 * of what it did. Loads its HTTP client only when a question is asked.
 */
import type { Client } from 'undici'

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
  let socket: SocketPath | undefined
  let client: Client | undefined
  try {
    socket = socketPath(spool, SOCKET)
    const undici = await import('undici')
    client = new undici.Client('http://msgqd', { socketPath: socket.path })
    const response = await client.request({
      method,
      path,
      signal: AbortSignal.timeout(patience),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.statusCode, body: await response.body.json() }
  } catch (error) {
    if (isNobody(error)) return undefined
    throw asMsgqError(error, spool, patience)
  } finally {
    await client?.destroy()
    socket?.release()
  }
}

/** The socket is not there, or the daemon that made it is dead. */
function isNobody(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')
}

function asMsgqError(error: unknown, spool: string, patience: number): MsgqError {
  const code = errnoOf(error)
  if (code === 'EACCES' || code === 'EPERM')
    return new MsgqError(
      'no-permission',
      `msgqd: its socket in ${spool}/run: ${plainError(error)}`,
      'run as the user of the spool or as root, or as a member of its group',
      error,
    )
  const timedOut = error instanceof Error && error.name === 'TimeoutError'
  const why = timedOut
    ? `does not answer within ${formatDuration(patience)}`
    : `did not answer: ${plainError(error)}`
  return new MsgqError(
    'temporary',
    `msgqd: ${why}`,
    'try again; msgqd says in its log what it does',
    error,
  )
}

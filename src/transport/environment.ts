/**
 * environment - what a command of a destination finds in its environment: the envelope, what
 * the destination says, and of the daemon's own only what no program does without.
 *
 * What a sender wrote stands only behind names that begin with MSGQ_. No name of them means
 * anything to msgq itself, so that a command may call `msgq send`.
 */
import type { ExecDestination } from '../config/config.ts'
import type { Secret } from '../config/reference.ts'
import type { Attempt, SecretSource } from './transport.ts'
import { lookUp } from './request.ts'

/** Of the daemon's own environment. */
const KEPT = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ']
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment of one attempt. The secrets in it are added to `hidden`. */
export function execEnvironment(
  { envelope, destination, number }: Attempt<ExecDestination>,
  env: Readonly<Record<string, string | undefined>>,
  source: SecretSource,
  hidden: string[] = [],
): Record<string, string> {
  const { id, to, key, subject, level, order, parent, createdAt, sender } = envelope
  const said: Record<string, string | undefined> = {
    MSGQ_ID: id,
    MSGQ_DESTINATION: to ?? destination.name,
    MSGQ_EVENT: envelope.event,
    MSGQ_ATTEMPT: String(number),
    MSGQ_CREATED_AT: createdAt,
    MSGQ_CONTENT_TYPE:
      envelope.bytes === 0
        ? undefined
        : (envelope.contentType ?? destination.contentType ?? 'text/plain; charset=utf-8'),
    MSGQ_BYTES: String(envelope.bytes),
    MSGQ_KEY: key ?? id,
    MSGQ_SUBJECT: subject,
    MSGQ_LEVEL: level,
    MSGQ_ORDER: order,
    MSGQ_PARENT: parent,
    MSGQ_SENDER: sender.user ?? String(sender.uid),
    MSGQ_EXPIRES_AT: envelope.expiresAt,
  }
  const held: Record<string, string> = { PATH }
  const put = (name: string, value: string | undefined) => {
    if (value !== undefined) held[name] = value
  }
  for (const name of KEPT) put(name, env[name])
  for (const [name, value] of Object.entries(said)) put(name, value)
  for (const [name, value] of Object.entries(destination.environment))
    put(name, typeof value === 'string' ? value : reveal(value, source, hidden))
  return held
}

function reveal(reference: Secret, source: SecretSource, hidden: string[]): string {
  const value = lookUp(reference, source)
  hidden.push(value)
  return value
}

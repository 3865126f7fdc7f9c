/**
 * last-resort - what `msgq send --last-resort` does when the spool takes nothing: one attempt, at once.
 *
 * For the message that says that the disk is full. It is tried once, here and now, by what the
 * daemon would deliver it with; exit 0 means that the receiver said yes. Nothing is queued, and
 * what it came to stands in no journal. A message that may have been queued is never tried, nor
 * is one that should not go out yet.
 */
import { systemClock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/config.ts'
import type { Flags } from '../config/find.ts'
import { destinationOf } from '../config/limits.ts'
import { loadConfig } from '../config/load.ts'
import { readSecret, secretPlace } from '../config/secret.ts'
import type { Draft } from '../message/draft.ts'
import { seal } from '../message/envelope.ts'
import { idMaker } from '../message/id.ts'
import { shownTo } from '../message/mask.ts'
import type { Outcome } from '../message/outcome.ts'
import { createTransport } from '../transport/pick.ts'
import type { SecretSource, Transport } from '../transport/transport.ts'
import type { Io } from './command.ts'
import { randomOnce } from './one-off.ts'
import { senderHere } from '../library/sender.ts'

/** Exit code when of several receivers some said yes. */
const PARTLY = 1

/** With these nothing was queued, and not because of the message. */
const REFUSALS: readonly string[] = ['temporary', 'cannot-create', 'no-permission']

/** What the spool refused, and why. */
interface Refused {
  readonly error: unknown
  readonly drafts: readonly Draft[]
  readonly body: Buffer
}

/** Tries each message once; the exit code. Throws the refusal where nobody said yes. */
export async function deliverAtOnce(
  { error, drafts, body }: Refused,
  io: Io,
  flags: Flags,
): Promise<number> {
  if (!(error instanceof MsgqError) || !REFUSALS.includes(error.code)) throw error
  const { env } = io.environment
  const config = configOf(error, io, flags)
  const place = secretPlace(config, env)
  const secrets: SecretSource = (secret, form) => readSecret(secret, place, form)
  const transport = createTransport({ clock: systemClock, version: VERSION, env, secrets })
  try {
    const nextId = idMaker(io.clock.now, randomOnce)
    const ends: Outcome[] = []
    for (const draft of drafts)
      ends.push(await attempt(draft, body, { config, transport, id: nextId(), io }))
    return report(error, drafts, ends, io)
  } finally {
    await transport.close()
  }
}

function configOf(error: MsgqError, io: Io, flags: Flags): Config {
  try {
    return loadConfig(io.environment, flags)
  } catch (fault) {
    if (!(fault instanceof MsgqError)) throw fault
    throw refusal(error, fault.message)
  }
}

interface Means {
  readonly config: Config
  readonly transport: Transport
  readonly id: string
  readonly io: Io
}

async function attempt(
  draft: Draft,
  body: Buffer,
  { config, transport, id, io }: Means,
): Promise<Outcome> {
  const now = io.clock.now()
  const stays = (reason: string) =>
    ({ kind: 'held', fault: 'configuration', reason }) as const
  if (draft.hold || Date.parse(draft.notBefore ?? '') > now)
    return stays('it should not go out yet')
  const destination = destinationOf(config, draft.to ?? '')
  if (destination === undefined) return stays('no such destination')
  const envelope = seal(draft, body, { id, now, sender: senderHere(io.environment.env) })
  const bytes = { kind: 'bytes', bytes: body } as const
  return transport.deliver(
    { envelope, body: bytes, destination, number: 1 },
    new AbortController().signal,
  )
}

function report(
  error: MsgqError,
  drafts: readonly Draft[],
  ends: readonly Outcome[],
  io: Io,
): number {
  const texts = ends.map(({ kind, reason }, at) => {
    const to = shownTo(drafts[at]?.to ?? '')
    return kind === 'delivered'
      ? `delivered to ${to}: ${reason}`
      : `not to ${to}: ${reason}`
  })
  const good = ends.filter(({ kind }) => kind === 'delivered').length
  if (good === 0) throw refusal(error, texts.join('; '))
  io.warn(`send: not queued: ${error.message}`)
  for (const text of texts) io.warn(`send: without the queue ${text}`)
  return good === ends.length ? 0 : PARTLY
}

function refusal(error: MsgqError, why: string): MsgqError {
  return new MsgqError(
    error.code,
    `${error.message}; and without the queue: ${why}`,
    error.hint,
    error,
  )
}

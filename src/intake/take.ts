/**
 * take - queues one message that was composed, and says which id it has.
 *
 * It says so only once the message is durable. What it refuses is not queued, but where the
 * code is `unsure`. The same for each message of a batch. One that is relayed has its id already.
 */
import type { Clock } from '../base/clock.ts'
import type { Sender } from '../message/envelope.ts'
import type { Doorway } from '../queue/queue.ts'
import type { Accepted } from '../queue/queue.ts'
import type { Composed } from './batch-line.ts'
import { checkReceiver, senderOf } from './caller.ts'
import type { Caller } from './caller.ts'
import { checkFit } from './fit.ts'
import { Refusal, SOON } from './refusal.ts'
import type { Relayed } from './relayed.ts'
import { tooLarge } from './asked.ts'
import type { Terms } from './terms.ts'

export interface TakeDeps {
  readonly doorway: Doorway
  readonly clock: Clock
  readonly terms: () => Terms
  /** Most messages of ours on the doorstep. */
  readonly incomingLimit: () => number
}

/** How long a repeat waits for the first one (ms). */
const PATIENCE = 10_000

/** Throws (429) while those that came in before wait to be taken off the doorstep. */
export function checkCrowd({ doorway, incomingLimit }: TakeDeps): void {
  const { crowd } = doorway
  if (crowd < incomingLimit()) return
  throw new Refusal(429, 'crowded', `${crowd} messages wait on the doorstep`, {
    hint: 'msgqd does not keep up: msgq status says why',
    headers: SOON,
    ends: true,
  })
}

export async function take(
  deps: TakeDeps,
  caller: Caller,
  { draft, body }: Composed,
  relayed?: Relayed,
): Promise<Accepted> {
  const terms = deps.terms()
  const { messageSizeLimit } = terms
  if (body.length > messageSizeLimit) throw tooLarge(messageSizeLimit)
  checkReceiver(caller, draft)
  checkFit(draft, body, terms)
  const sender = senderOf(caller)
  const submission =
    relayed === undefined
      ? { draft, body, sender }
      : { draft, body, sender: { ...sender, ...journeyOf(relayed) }, id: relayed.id }
  if (draft.key === undefined) return deps.doorway.submit(submission)
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(inProgress()), PATIENCE)
  try {
    return await deps.doorway.submit(submission, patience.signal)
  } finally {
    clearTimeout(timer)
  }
}

function journeyOf({ id, hops }: Relayed): Pick<Sender, 'relayed' | 'hops'> {
  return hops === undefined ? { relayed: id } : { relayed: id, hops }
}

function inProgress(): Refusal {
  return new Refusal(
    409,
    'in-progress',
    'key: the first message with it is being written',
    {
      field: 'key',
      headers: SOON,
    },
  )
}

/**
 * act-routes - what an operator does to one message: hold, release, requeue, flush, expire, delete.
 *
 * It is durable before it is answered. A message on the wire is asked back from the daemon, and
 * the answer is what became of it. What cannot be done in the state that it is in is 409.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { printable } from '../base/text.ts'
import { GRANTED, isRecall } from '../delivery/recalls.ts'
import type { Recall, Recalled } from '../delivery/recalls.ts'
import type { Act, Desk } from '../queue/queue.ts'
import { ACTS } from '../queue/queue.ts'
import { IN_FLIGHT } from '../queue/states.ts'
import type { Asked } from './asked.ts'
import { actorOf, maySee } from './caller.ts'
import { absent, checkId } from './message-view.ts'
import { LATER, Refusal } from './refusal.ts'
import { json } from './reply.ts'
import type { Reply } from './reply.ts'
import type { Route } from './router.ts'

export interface ActDeps {
  readonly desk: Desk
  /** Wants messages back that are under way; undefined for one that is not. */
  readonly recall: (
    ids: readonly string[],
    recall: Recall,
  ) => Promise<(Recalled | 'waits' | undefined)[]>
}

const BODY_LIMIT = 64 * 1024
/** A message between two places is looked for so often (ms). */
const TURNS = 20
const PAUSE = 150

export function actRoutes(deps: ActDeps): Route[] {
  const route = (method: Route['method'], path: string, act: Act): Route => ({
    method,
    path,
    scopes: ['operate'],
    answer: (asked) => run(deps, act, asked),
  })
  return [
    route('DELETE', '/v1/messages/{id}', 'delete'),
    ...ACTS.filter((act) => act !== 'delete').map((act) =>
      route('POST', `/v1/messages/{id}:${act}`, act),
    ),
  ]
}

async function run(deps: ActDeps, act: Act, asked: Asked): Promise<Reply> {
  asked.checkQuery([])
  const id = checkId(asked.params['id'] as string)
  const reason = await reasonIn(asked)
  const by = { by: actorOf(asked.caller), ...(reason === undefined ? {} : { reason }) }
  const [entry] = await deps.desk.find(id)
  if (entry === undefined || !maySee(asked.caller, entry.lane)) throw absent(id)
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn > 0) await sleep(PAUSE)
    const { done, skipped } = await deps.desk.act(
      act,
      { ids: [id] },
      { ...by, named: true },
    )
    if (done.length > 0) return json(200, { id, act })
    const why = skipped[0]?.why
    if (why === undefined) throw absent(id)
    if (why !== IN_FLIGHT || !isRecall(act)) throw cannot(act, why)
    const [recalled] = await deps.recall([id], { act, ...by })
    const reply = answerTo(act, id, recalled)
    if (reply !== undefined) return reply
  }
  throw cannot(act, IN_FLIGHT)
}

/** What became of a message under way; undefined for one that is to be looked for again. */
function answerTo(
  act: Recall['act'],
  id: string,
  recalled: Recalled | 'waits' | undefined,
) {
  if (recalled === 'waits')
    throw new Refusal(503, 'unavailable', 'asked for, and the disk refuses: look again', {
      headers: LATER,
    })
  if (recalled === undefined) return undefined
  const { to, granted, mayHaveArrived } = recalled
  if (granted && to === GRANTED[act])
    return json(200, { id, act, ...(mayHaveArrived ? { mayHaveArrived } : {}) })
  if (to === 'delivered' || to === 'bounced' || to === 'deleted' || to === 'held')
    throw cannot(act, `too late: ${to}`)
  return undefined
}

function cannot(act: Act, why: string): Refusal {
  return new Refusal(409, 'state', `${act}: ${why}`)
}

/** `{"reason": "..."}`, which nobody has to send. */
async function reasonIn(asked: Asked): Promise<string | undefined> {
  const bytes = await asked.body(BODY_LIMIT)
  if (bytes.length === 0) return undefined
  let raw: unknown
  try {
    raw = JSON.parse(bytes.toString())
  } catch {
    throw new Refusal(400, 'malformed', 'body: is no JSON')
  }
  const { reason, ...others } = Object(raw) as Record<string, unknown>
  const [odd] = Object.keys(others)
  if (odd !== undefined || (reason !== undefined && typeof reason !== 'string'))
    throw new Refusal(400, 'invalid', 'body: has a reason, a text, and nothing else', {
      field: odd ?? 'reason',
    })
  return reason === undefined ? undefined : printable(reason as string)
}

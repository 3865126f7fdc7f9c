/**
 * control - what operators ask of the daemon beside its messages, on run/control.sock.
 *
 * The command line speaks to these. Who may open the socket (0660, the spool's group) may do
 * everything; a token with the scope `operate` may ask the same over TCP.
 */
import { isUtf8 } from 'node:buffer'

import { isRecall } from '../delivery/recalls.ts'
import type { Recall } from '../delivery/recalls.ts'
import type { Asked } from '../intake/asked.ts'
import { checkWhole } from '../intake/caller.ts'
import type { Scope } from '../intake/caller.ts'
import { Refusal } from '../intake/refusal.ts'
import { json } from '../intake/reply.ts'
import type { Reply } from '../intake/reply.ts'
import type { Route } from '../intake/router.ts'
import type { Daemon } from './daemon.ts'

/** What one route answers: a status and a JSON body. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** `METHOD /path` to what answers it; the argument is the request's JSON body, if any. */
export type Table = Readonly<Record<string, (body: unknown) => Promise<Answer> | Answer>>

const BODY_LIMIT = 64 * 1024

/** Routes out of a table. */
export function routesOf(table: Table, scopes: readonly Scope[] = ['operate']): Route[] {
  return Object.entries(table).map(([name, answer]) => {
    const [method, path] = name.split(' ') as [Route['method'], string]
    return {
      method,
      path,
      scopes,
      answer: async (asked): Promise<Reply> => {
        checkWhole(asked.caller)
        const { status, body } = await answer(await readJson(asked))
        return json(status, body)
      },
    }
  })
}

async function readJson(asked: Asked): Promise<unknown> {
  const bytes = await asked.body(BODY_LIMIT)
  if (bytes.length === 0) return undefined
  try {
    if (!isUtf8(bytes)) throw new Error('is not UTF-8')
    return JSON.parse(bytes.toString())
  } catch {
    throw new Refusal(400, 'malformed', 'body: is no JSON')
  }
}

/** The routes of a daemon. */
export function controlRoutes(daemon: Daemon, reload: () => Promise<Answer>): Route[] {
  return [
    ...routesOf({ 'GET /v1/status': () => ({ status: 200, body: daemon.status() }) }, [
      'read',
      'operate',
    ]),
    ...routesOf({
      'POST /v1/reload': reload,
      'POST /v1/clock': async () => ({
        status: 200,
        body: { doubted: await daemon.confirmClock() },
      }),
      'POST /v1/suspended': async (body) => ({
        status: 200,
        body: { lanes: await daemon.lookAtSuspended(lanesOf(body) ?? []) },
      }),
      'POST /v1/recall': (body) => recalled(daemon, body),
      'POST /v1/flush': (body) => ({
        status: 200,
        body: { opened: daemon.flush(lanesOf(body)) },
      }),
    }),
  ]
}

/** Wants messages under way back, for a verb of the command line. */
async function recalled(daemon: Daemon, body: unknown): Promise<Answer> {
  const asked = recallOf(body)
  if (asked === undefined) throw new Refusal(400, 'invalid', 'body: is no recall')
  const { ids, recall } = asked
  const answers = await daemon.recall(ids, recall)
  const told = answers.map((answer, at) =>
    typeof answer === 'object' ? { id: ids[at], ...answer } : { id: ids[at], to: answer },
  )
  return { status: 200, body: { recalled: told } }
}

function recallOf(body: unknown): { ids: string[]; recall: Recall } | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { act, by, reason, ids } = body as Record<string, unknown>
  if (typeof act !== 'string' || !isRecall(act)) return undefined
  if (typeof by !== 'string' || !Array.isArray(ids)) return undefined
  const why = typeof reason === 'string' ? { reason } : {}
  return { ids: ids.map(String), recall: { act, by, ...why } }
}

function lanesOf(body: unknown): string[] | undefined {
  if (typeof body !== 'object' || body === null || !('lanes' in body)) return undefined
  return Array.isArray(body.lanes) ? body.lanes.map(String) : undefined
}

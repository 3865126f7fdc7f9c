/**
 * send-route - POST /v1/messages: a message as JSON, as the body itself, or many as lines.
 *
 * 202 comes only after the message is durable, 200 names the first one of a repeat, once that
 * is. Whatever else comes, nothing was queued, but for the code `unsure`.
 */
import { BODYLESS } from '../message/draft.ts'
import type { Asked } from './asked.ts'
import { composeLine } from './batch-line.ts'
import type { Composed } from './batch-line.ts'
import { answerLines } from './batch-route.ts'
import { RAW_MEMBERS, composeRaw } from './compose-raw.ts'
import { readKey } from './idempotency.ts'
import { Refusal } from './refusal.ts'
import { checkNotRelayed, checkRelayedKey, relayedAs } from './relayed.ts'
import { json } from './reply.ts'
import type { Reply } from './reply.ts'
import type { Route } from './router.ts'
import { checkCrowd, take } from './take.ts'
import type { TakeDeps } from './take.ts'

/** Room in JSON for all that is no body. */
const EDGE = 128 * 1024

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/
const LINES = new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl'])

export function sendRoute(deps: TakeDeps): Route {
  return {
    method: 'POST',
    path: '/v1/messages',
    scopes: ['send'],
    answer: (asked) => send(deps, asked),
  }
}

async function send(deps: TakeDeps, asked: Asked): Promise<Reply> {
  checkCrowd(deps)
  const known = relayedAs(asked, deps.clock.now())
  if (LINES.has(asked.mediaType ?? '')) {
    checkNotRelayed(known)
    return answerLines(deps, asked, lineLimit(deps))
  }
  const composed = withKey(
    await compose(deps, asked),
    readKey(asked.header('idempotency-key')),
  )
  checkRelayedKey(known, composed.draft.key)
  const { id, isRepeat } = await take(deps, asked.caller, composed, known)
  const headers = { location: `/v1/messages/${id}` }
  return json(isRepeat ? 200 : 202, { id, repeat: isRepeat }, headers)
}

async function compose(deps: TakeDeps, asked: Asked): Promise<Composed> {
  const { query, mediaType } = asked
  const isRaw = query.has('to') || query.has('event')
  if (!isRaw && !JSON_TYPE.test(mediaType ?? ''))
    throw new Refusal(
      415,
      'media-type',
      mediaType === undefined
        ? 'content-type: is missing'
        : `content-type: ${mediaType} is not taken here`,
      {
        hint: 'send application/json or application/x-ndjson, or name the receiver with ?to=',
        ends: true,
      },
    )
  asked.checkQuery(isRaw ? RAW_MEMBERS : [])
  const limit = isRaw ? deps.terms().messageSizeLimit : lineLimit(deps)
  const body = await asked.body(limit)
  const context = { terms: deps.terms(), now: deps.clock.now() }
  if (!isRaw) return composeLine(body, { to: context.terms.to, ...context })
  const said = Object.fromEntries(query)
  if (body.length === 0 && !bodyMayLack(said, context.terms))
    throw new Refusal(400, 'invalid', 'body: is missing', {
      field: 'body',
      hint: 'as JSON, "body": "" is an empty message',
    })
  return composeRaw(body, said, asked.header('content-type'), context)
}

function bodyMayLack(
  { to = '', method }: Record<string, string>,
  { destinations }: ReturnType<TakeDeps['terms']>,
): boolean {
  return BODYLESS.has(method ?? destinations?.get(to)?.method ?? 'POST')
}

/** The key of the header; one in the message has to be the same. */
function withKey(composed: Composed, key: string | undefined): Composed {
  const { draft, body } = composed
  if (key === undefined || draft.key === key) return composed
  if (draft.key !== undefined)
    throw new Refusal(400, 'invalid', 'key: is another one than in Idempotency-Key', {
      field: 'key',
    })
  return { draft: { ...draft, key }, body }
}

/** JSON text may take two bytes for each of the body: quotes, ends of lines, Base64. */
function lineLimit(deps: TakeDeps): number {
  return 2 * deps.terms().messageSizeLimit + EDGE
}

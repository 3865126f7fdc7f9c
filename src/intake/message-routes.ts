/**
 * message-routes - what is known of messages, one or many.
 */
import type { Clock } from '../base/clock.ts'
import type { Selector } from '../message/selector.ts'
import type { Desk } from '../queue/queue.ts'
import type { Asked } from './asked.ts'
import { maySee } from './caller.ts'
import { count, selectorFrom } from './filters.ts'
import type { Filters } from './filters.ts'
import { entryView, lookUp } from './message-view.ts'
import { Refusal } from './refusal.ts'
import { json } from './reply.ts'
import type { Reply } from './reply.ts'
import type { Route } from './router.ts'

/** Messages on a page, and at most. */
const PAGE = 100
const LARGEST_PAGE = 1_000

/** Parts of the query that may have several values, with commas between them. */
const MANY = ['to', 'state', 'event', 'sender'] as const
const ONE = ['olderThan', 'newerThan', 'since', 'until', 'triesOver'] as const
/** One value, which may have commas of its own. */
const TEXTS = ['reason', 'key'] as const
const NAMES = [...MANY, ...ONE, ...TEXTS, 'limit', 'after']

export function messageRoutes(deps: { desk: Desk; clock: Clock }): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/messages/{id}',
      scopes: ['send', 'read'],
      answer: async (asked) => {
        asked.checkQuery([])
        return json(
          200,
          await lookUp(deps.desk, asked.caller, asked.params['id'] as string),
        )
      },
    },
    {
      method: 'GET',
      path: '/v1/messages',
      scopes: ['read'],
      answer: (asked) => list(deps, asked),
    },
  ]
}

async function list(
  { desk, clock }: { desk: Desk; clock: Clock },
  asked: Asked,
): Promise<Reply> {
  asked.checkQuery(NAMES)
  const { query, caller } = asked
  const selector = narrowed(
    selectorFrom(filtersIn(query), (name) => name, clock.now()),
    caller,
  )
  const limit = count('limit', query.get('limit') ?? String(PAGE), 1)
  if (limit > LARGEST_PAGE)
    throw new Refusal(400, 'invalid', `limit: is more than ${LARGEST_PAGE}`, {
      field: 'limit',
      hint: 'ask for the next page with ?after=',
    })
  const after = query.get('after')
  const page = await desk.list(selector, { limit, ...(after === null ? {} : { after }) })
  const items = page.items.filter(({ lane }) => maySee(caller, lane)).map(entryView)
  return json(200, page.next === undefined ? { items } : { items, next: page.next })
}

function filtersIn(query: URLSearchParams): Filters {
  const of = (names: readonly string[], read: (text: string) => unknown) =>
    names.flatMap((name) => {
      const text = query.get(name)
      return text === null ? [] : [[name, read(text)] as const]
    })
  return Object.fromEntries([
    ...of(MANY, (text) => text.split(',')),
    ...of(ONE, (text) => text),
    ...of(TEXTS, (text) => [text]),
  ]) as Filters
}

/** Only the lanes that the caller may see; of ordered ones `maySee` tells. */
function narrowed(selector: Selector, { to }: Asked['caller']): Selector {
  if (to === undefined || selector.lanes === undefined) return selector
  return { ...selector, lanes: selector.lanes.filter((lane) => to.includes(lane)) }
}

/**
 * message-routes - what is known of messages, one or many.
 *
 * Each look reads the names of folders, and of an id that is in none of them the journal: at each
 * door so many look at once, and the others wait for their turn.
 */
import type { Clock } from '../base/clock.ts'
import type { Selector } from '../message/selector.ts'
import type { Desk } from '../queue/queue.ts'
import type { Asked } from './asked.ts'
import { DOORS } from './caller.ts'
import type { Door } from './caller.ts'
import { count, selectorFrom } from './filters.ts'
import type { Filters } from './filters.ts'
import { entryView, lookUp } from './message-view.ts'
import { Refusal } from './refusal.ts'
import { json } from './reply.ts'
import type { Route } from './router.ts'
import { Turns } from './turns.ts'

/** Messages on a page, and at most. */
const PAGE = 100
const LARGEST_PAGE = 1_000
/** As many as there are threads to read with. */
const LOOKS = 4

/** Parts of the query that may have several values, with commas between them. */
const MANY = ['to', 'state', 'event', 'sender'] as const
const ONE = ['olderThan', 'newerThan', 'since', 'until', 'triesOver'] as const
/** One value, which may have commas of its own. */
const TEXTS = ['reason', 'key'] as const
const NAMES = [...MANY, ...ONE, ...TEXTS, 'limit', 'after']

export function messageRoutes(deps: { desk: Desk; clock: Clock }): Route[] {
  const turns = Object.fromEntries(
    DOORS.map((door) => [door, new Turns(LOOKS)]),
  ) as Readonly<Record<Door, Turns>>
  const inTurn = ({ caller, signal }: Asked, look: () => Promise<unknown>) =>
    turns[caller.door].take(signal, async () => json(200, await look()))
  return [
    {
      method: 'GET',
      path: '/v1/messages/{id}',
      scopes: ['send', 'read'],
      answer: (asked) => {
        asked.checkQuery([])
        const id = asked.params['id'] as string
        return inTurn(asked, () => lookUp(deps.desk, asked.caller, id))
      },
    },
    {
      method: 'GET',
      path: '/v1/messages',
      scopes: ['read'],
      answer: (asked) => inTurn(asked, () => list(deps, asked)),
    },
  ]
}

async function list(
  { desk, clock }: { desk: Desk; clock: Clock },
  asked: Asked,
): Promise<object> {
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
  const items = page.items.map(entryView)
  return page.next === undefined ? { items } : { items, next: page.next }
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

/** Only the lanes that the caller may see: `next` is the place of a message, too. */
function narrowed(selector: Selector, { to }: Asked['caller']): Selector {
  if (to === undefined) return selector
  return { ...selector, lanes: selector.lanes?.filter((lane) => to.includes(lane)) ?? to }
}

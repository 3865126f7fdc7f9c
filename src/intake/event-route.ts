/**
 * event-route - GET /v1/events: what happens, as it happens, as Server-Sent Events.
 *
 * The delivery journal, line by line. Each event has an id with which a client that was cut off
 * comes again (`Last-Event-ID`): it then hears what came after that first. The journal is the
 * story and may lack lines after a crash (decision 20).
 */
import { linked } from '../base/linked.ts'
import { isId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { History, JournalQuery } from '../queue/queue.ts'
import type { Asked } from './asked.ts'
import { maySee } from './caller.ts'
import { toLane } from './filters.ts'
import { Follower } from './follower.ts'
import { Refusal, SOON } from './refusal.ts'
import type { Reply } from './reply.ts'
import type { Route } from './router.ts'

/** Streams at once: what was missed each of them reads by itself. */
const STREAMS = 64
/** So that nobody between takes the connection for dead (ms). */
const HEARTBEAT = 15_000
/** A token may be removed while its stream is open: it is looked for so often (ms). */
const CHECK_EVERY = 1_000
/** Lines of one journal are noted by several programs, and may stand so much out of order (ms). */
const DISORDER = 10_000

/** Events told of which it is remembered that they were. */
const REMEMBERED = 10_000

const EVENT_ID = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z),[0-9A-Z]{26},[a-z]+,\d*$/

export function eventRoute(deps: { history: History }): Route {
  let streams = 0
  const follower = new Follower(deps.history)
  return {
    method: 'GET',
    path: '/v1/events',
    scopes: ['send', 'read'],
    answer: (asked): Reply => {
      const wanted = wantedBy(asked)
      if (streams >= STREAMS)
        throw new Refusal(429, 'crowded', `${STREAMS} streams of events are open`, {
          headers: SOON,
        })
      streams++
      asked.onEnd(() => streams--)
      return {
        status: 200,
        contentType: 'text/event-stream',
        headers: { 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        stream: (write) => tell(deps.history, follower, asked, wanted, write),
      }
    },
  }
}

interface Wanted {
  readonly query: { readonly ids?: readonly string[] }
  readonly matches: (line: JournalLine) => boolean
  readonly last: { readonly id: string; readonly at: number } | undefined
}

function wantedBy(asked: Asked): Wanted {
  asked.checkQuery(['id', 'to', 'lastEventId'])
  const { caller, query } = asked
  const ids = query.get('id')?.split(',')
  if (ids?.some((id) => !isId(id)))
    throw new Refusal(400, 'invalid', 'id: is no whole id', { field: 'id' })
  if (ids === undefined && !caller.scopes.includes('read'))
    throw new Refusal(403, 'scope', 'may not read: name the messages with ?id=', {
      hint: 'whoever sent a message knows its id',
    })
  const lanes = query
    .get('to')
    ?.split(',')
    .map((to) => toLane(to, 'to'))
  const named = ids && new Set(ids)
  return {
    query: ids === undefined ? {} : { ids },
    matches: ({ id, lane = '' }) =>
      named?.has(id) !== false &&
      maySee(caller, lane) &&
      (lanes === undefined || lanes.includes(lane.split('~', 1)[0]!)),
    last: lastIn(asked.header('last-event-id') ?? query.get('lastEventId') ?? undefined),
  }
}

function lastIn(text: string | undefined): Wanted['last'] {
  if (text === undefined || text === '') return undefined
  const at = Date.parse(EVENT_ID.exec(text)?.[1] ?? '')
  if (!Number.isNaN(at)) return { id: text, at }
  throw new Refusal(400, 'invalid', 'last-event-id: is none of ours', {
    field: 'last-event-id',
  })
}

async function tell(
  history: History,
  follower: Follower,
  asked: Asked,
  { query, matches, last }: Wanted,
  write: (text: string) => Promise<void>,
): Promise<void> {
  const { caller, signal } = asked
  const full = caller.scopes.includes('read')
  const over = new AbortController()
  const { signal: listening } = linked(signal, over.signal)
  let refused: unknown
  const check = setInterval(() => {
    try {
      asked.checkStill()
    } catch (error) {
      refused = error
      over.abort()
    }
  }, CHECK_EVERY)
  const beat = setInterval(() => void write(':\n\n').catch(() => {}), HEARTBEAT)
  try {
    const lines = await follower.listen(matches, listening)
    await write('retry: 1000\n\n')
    const told = new Set<string>()
    if (last !== undefined)
      for await (const line of missed(history, { ...query, matches }, last)) {
        if (listening.aborted) break
        told.add(eventId(line))
        if (told.size > REMEMBERED) told.delete(told.values().next().value as string)
        await write(eventText(line, full))
      }
    for await (const line of lines)
      // What was noted while it was read what he missed is told once.
      if (!told.delete(eventId(line))) await write(eventText(line, full))
    if (refused !== undefined) throw refused
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    over.abort()
    clearInterval(check)
    clearInterval(beat)
  }
}

/** What stands behind the last event that the client has, or is later where that is gone. */
async function* missed(
  history: History,
  query: Pick<JournalQuery, 'ids' | 'matches'>,
  last: NonNullable<Wanted['last']>,
): AsyncGenerator<JournalLine> {
  const asked = { ...query, after: last.at - DISORDER }
  let place = -1
  let seen = 0
  for await (const line of history.history(asked)) {
    if (eventId(line) === last.id) place = seen
    seen++
    if (Date.parse(line.at) > last.at + DISORDER) break
  }
  // Lines are only added, so that it stands where it stood.
  seen = 0
  for await (const line of history.history(asked)) {
    const isNew = place >= 0 ? seen > place : Date.parse(line.at) > last.at
    seen++
    if (isNew) yield line
  }
}

function eventId({ at, id, event, try: number }: JournalLine): string {
  return `${at},${id},${event},${number ?? ''}`
}

/** Who may only send learns what became of it, and not what the receiver said. */
function eventText(line: JournalLine, full: boolean): string {
  const { at, id, event, try: number, due } = line
  const name = event === 'queued' ? 'accepted' : event
  const data = full ? { ...line, event: name } : { at, event: name, id, try: number, due }
  return `id: ${eventId(line)}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

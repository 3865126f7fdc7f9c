/**
 * flush - has deferred messages tried now, all of them unless told which.
 *
 * Opens the lanes that failures closed, and not those that somebody suspended: what is for them
 * is put in front, and goes out when they are resumed. Without a daemon it goes out when one is
 * started.
 */
import { MsgqError } from '../base/errors.ts'
import { inForce } from '../message/suspension.ts'
import { defineAct } from './act.ts'
import type { Aftermath, Did } from './act.ts'
import { askDaemon } from '../library/control.ts'

export const define = defineAct({ act: 'flush', meansAll: true, after: tellDaemon })

async function tellDaemon(did: Did): Promise<Aftermath> {
  const { selection, spool } = did
  const { named, entries, selector } = selection
  if (named && entries.length === 0) return {}
  const lanes = named ? [...new Set(entries.map((entry) => entry.lane))] : selector.lanes
  const suspended = await suspendedOf(did, lanes)
  const { notice, ...told } = await flushLanes(spool, lanes, did.result.done.length > 0)
  const notices = [...(notice === undefined ? [] : [notice]), ...suspended]
  return notices.length === 0 ? told : { ...told, notice: notices.join('; ') }
}

/** What to say of lanes that stay as they are, because somebody suspended them. */
async function suspendedOf(
  { desk, now }: Did,
  lanes: readonly string[] | undefined,
): Promise<string[]> {
  const suspended = [...inForce(await desk.suspensions(), now).keys()]
  const meant = suspended.filter((lane) => lanes?.includes(lane) ?? true)
  if (meant.length === 0) return []
  const [are, they] = meant.length === 1 ? ['is', 'it'] : ['are', 'they']
  return [
    `${meant.join(', ')} ${are} suspended, and nothing goes out there until ${they} ${are} resumed: msgq resume ${meant.join(' ')}`,
  ]
}

async function flushLanes(
  spool: string,
  lanes: readonly string[] | undefined,
  isDone: boolean,
): Promise<Aftermath> {
  try {
    const answer = await askDaemon(spool, 'POST', '/v1/flush', lanes ? { lanes } : {})
    if (answer?.status === 200) return { opened: openedIn(answer.body) }
    if (answer !== undefined)
      return { notice: `msgqd answers ${answer.status}: its lanes stay as they are` }
    return {
      notice: isDone
        ? 'msgqd is not running: they go out when it is started'
        : 'msgqd is not running: nothing is being delivered',
    }
  } catch (error) {
    // The messages are in front all the same, where the daemon looks by itself.
    if (error instanceof MsgqError) return { notice: error.message }
    throw error
  }
}

function openedIn(body: unknown): number {
  const opened =
    typeof body === 'object' && body !== null && 'opened' in body ? body.opened : 0
  return typeof opened === 'number' ? opened : 0
}

/**
 * flush - has deferred messages tried now, all of them unless told which.
 *
 * Opens the lanes that failures closed, and not those that somebody suspended: what is for them
 * is put in front, and goes out when they are resumed. Without a daemon it goes out when one is
 * started.
 */
import { inForce } from '../message/suspension.ts'
import { defineAct } from './act.ts'
import type { Aftermath, Did } from './act.ts'
import { flushLanes } from '../library/lanes.ts'
import type { Heard } from '../library/lanes.ts'

export const define = defineAct({ act: 'flush', meansAll: true, after: tellDaemon })

async function tellDaemon(did: Did): Promise<Aftermath> {
  const { selection, spool } = did
  const { named, entries, selector } = selection
  if (named && entries.length === 0) return {}
  const lanes = named ? [...new Set(entries.map((entry) => entry.lane))] : selector.lanes
  const suspended = await suspendedOf(did, lanes)
  const { heard, opened } = await flushLanes(spool, lanes)
  const told = heard.kind === 'told' ? { opened } : {}
  const notice = noticeOf(heard, did.result.done.length > 0)
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

/** What to say of a daemon that did not hear; the messages are in front all the same. */
function noticeOf(heard: Heard, isDone: boolean): string | undefined {
  switch (heard.kind) {
    case 'told':
      return undefined
    case 'nobody':
      return isDone
        ? 'msgqd is not running: they go out when it is started'
        : 'msgqd is not running: nothing is being delivered'
    case 'refused':
      return `msgqd answers ${heard.status}: its lanes stay as they are`
    case 'mute':
      return heard.trouble.message
  }
}

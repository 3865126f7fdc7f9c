/**
 * flush - has deferred messages tried now, all of them unless told which.
 *
 * Opens the lanes that failures closed. Without a daemon the messages are put in front, and
 * go out when it is started.
 */
import { MsgqError } from '../base/errors.ts'
import { defineAct } from './act.ts'
import type { Aftermath, Did } from './act.ts'
import { askDaemon } from './control.ts'

export const define = defineAct({ act: 'flush', meansAll: true, after: tellDaemon })

async function tellDaemon({ spool, selection, result }: Did): Promise<Aftermath> {
  const { named, entries, selector } = selection
  if (named && entries.length === 0) return {}
  const lanes = named ? [...new Set(entries.map((entry) => entry.lane))] : selector.lanes
  try {
    const answer = await askDaemon(spool, 'POST', '/v1/flush', lanes ? { lanes } : {})
    if (answer?.status === 200) return { opened: openedIn(answer.body) }
    if (answer !== undefined)
      return { notice: `msgqd answers ${answer.status}: its lanes stay as they are` }
    return {
      notice:
        result.done.length > 0
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

/**
 * fan-outs - the scenarios of events: what one becomes, and going on with one that was cut short.
 *
 * The children go by the names of their destinations. The event itself has no mark: where it
 * stays, it is a stray.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { openOutbox } from '../../src/queue/open.ts'
import type { Ground } from './ground.ts'
import type { Scenario } from './scenario.ts'

const MARKS = ['mark-1', 'mark-2', 'mark-3']

async function event(ground: Ground): Promise<void> {
  await ground.makeSpool()
  const destinations = MARKS.map(
    (mark) =>
      `[destinations.${mark}]\ntype = "http"\nurl = "${ground.receiver.url}/${mark}"\n`,
  )
  const route = `[[routes]]\nevent = "user.*"\nto = [${MARKS.map((mark) => `"${mark}"`).join()}]\n`
  appendFileSync(join(ground.folder, 'msgq.toml'), `${destinations.join('')}${route}`)
  const outbox = await openOutbox(ground.spool, { clock: systemClock, anyFilesystem: true })
  await outbox.enqueue({
    draft: { event: 'user.created' },
    body: Buffer.from('hello'),
    sender: { uid: 0 },
  })
}

export const FAN_OUTS: readonly Scenario[] = [
  {
    name: 'fan out',
    prepare: event,
    command: () => ({ program: 'msgqd', words: ['--once'] }),
    ends: Object.fromEntries(MARKS.map((mark) => [mark, ['delivered'] as const])),
  },
]

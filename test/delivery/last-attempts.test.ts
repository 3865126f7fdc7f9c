/**
 * last-attempts - what is kept of the log for who watches.
 */
import t from 'tap'

import { LastAttempts } from '../../src/delivery/last-attempts.ts'
import { Diary } from './support.ts'

t.test(
  'the last twenty attempts, the last one first, and every line goes on',
  async (t) => {
    const diary = new Diary()
    let now = 0
    const last = new LastAttempts(diary, () => now)
    t.strictSame(last.list(), [])
    for (now = 1; now <= 33; now++) {
      last.write('info', { event: 'attempt', id: `m${now}` }, 'delivered')
      last.write('warn', { event: 'lane' }, 'crm closed')
    }
    const kept = last.list()
    t.equal(kept.length, 20)
    t.match(kept[0], { id: 'm33', at: '1970-01-01T00:00:00.033Z' })
    t.match(kept[19], { id: 'm14' })
    t.equal(diary.lines.length, 66)
  },
)

import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import type { JournalLine } from '../../../src/message/journal-line.ts'
import { KeyBook } from '../../../src/queue/spool/key-book.ts'
import { Mover } from '../../../src/queue/spool/moves.ts'
import { removeBounced } from '../../../src/queue/spool/sweep-bounce.ts'
import { Yard } from './yard.ts'

const DAY = 86_400_000

t.test(
  'what lies in bounce/ for long goes, once it may, and its key with it',
  async (t) => {
    const yard = await Yard.open(t)
    const { layout, clock } = yard
    const notes: JournalLine[] = []
    const deps = {
      layout,
      clock,
      mover: new Mover(layout, false),
      note: (line: JournalLine) => void notes.push(line),
      keepBounced: () => 30 * DAY,
      mayForget: () => true,
      mayExpire: () => true,
    }
    await yard.send({ to: 'ops', key: 'k' })
    const lease = await yard.lease()
    await yard.engine.settle(lease, { to: 'bounced', line: yard.line('bounced') })
    const keys = () => readdirSync(layout.key('')).length
    t.equal(keys(), 1)
    t.equal(await removeBounced(deps), 0, 'it is young')
    clock.pass(31 * DAY)
    t.equal(await removeBounced({ ...deps, keepBounced: () => Infinity }), 0)
    t.equal(await removeBounced({ ...deps, mayExpire: () => false }), 0, 'in doubt')
    t.equal(await removeBounced({ ...deps, mayForget: () => false }), 0, 'not told yet')
    t.strictSame([yard.where(), notes, keys()], [{ bounce: 1 }, [], 1])

    const { id } = lease
    t.equal(await removeBounced(deps), 1)
    t.strictSame([yard.where(), keys()], [{}, 0])
    t.match(notes, [{ event: 'removed', id, lane: 'ops', reason: /its time in bounce/ }])
    t.equal(new KeyBook(layout).read(lease.envelope as never), undefined)
  },
)

t.test('what was put there by hand is kept as long again', async (t) => {
  const yard = await Yard.open(t)
  await yard.send()
  const [file] = yard.ls('incoming')
  const old = file!.replace(/^\d{8}/, '20200101')
  // Its name is old, and the move is not.
  renameSync(yard.path('incoming', file!), join(yard.root, 'bounce', old))
  const { layout, clock } = yard
  const deps = {
    layout,
    clock,
    mover: new Mover(layout, false),
    note: () => {},
    keepBounced: () => DAY,
    mayForget: () => true,
    mayExpire: () => true,
  }
  t.equal(await removeBounced(deps), 0)
  clock.pass(2 * DAY)
  t.equal(await removeBounced(deps), 1)
})

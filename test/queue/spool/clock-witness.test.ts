import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { makeSpool } from '../../../src/queue/open.ts'
import { readWitness, writeWitness } from '../../../src/queue/spool/clock-witness.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'

const AT = Date.parse('2026-11-20T10:15:00.123Z')

async function spool(root: string): Promise<Layout> {
  await makeSpool(root)
  return new Layout(root)
}

t.test('what was written is read', async (t) => {
  const layout = await spool(t.testdir())
  t.equal(readWitness(layout), undefined)
  await writeWitness(layout, { at: AT })
  t.same(readWitness(layout), { at: AT })
  await writeWitness(layout, { at: AT + 1, doubtedAt: AT })
  t.same(readWitness(layout), { at: AT + 1, doubtedAt: AT })
})

t.test('one that is torn witnesses nothing', async (t) => {
  const layout = await spool(t.testdir())
  writeFileSync(layout.run('clock.json'), '{"v":1,"at":"2026-')
  t.equal(readWitness(layout), undefined)
})

t.test(
  'what a daemon left that was killed while it wrote goes, and nothing else',
  async (t) => {
    const root = t.testdir()
    const layout = await spool(root)
    for (const file of ['clock.json.new', 'clock.json.by-hand', 'limits.json.1'])
      writeFileSync(layout.run(file), '{"v":1,')
    await writeWitness(layout, { at: AT })
    const left = readdirSync(join(root, 'run')).toSorted()
    t.same(left, ['clock.json', 'clock.json.by-hand', 'limits.json.1'])
  },
)

import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Layout } from '../../../src/queue/spool/layout.ts'
import { Sweep } from '../../../src/queue/spool/sweep.ts'

const DAY = 86_400_000

void t.test(
  'a staged file goes after a day of running time, not of wall clock',
  async (t) => {
    const root = t.testdir()
    mkdirSync(join(root, 'incoming'))
    const staged = join(root, 'incoming/.01JD3Z8K6Q4W5E6R7T8Y9V0A1P')
    const message = join(root, 'incoming/hand-made')
    for (const path of [staged, message]) writeFileSync(path, 'x')
    let ran = 0
    let wall = Date.now()
    const sweep = new Sweep(new Layout(root), { now: () => wall, monotonic: () => ran })

    wall += 10 * DAY
    t.equal(sweep.pass(), 0, 'a jump of the clock alone is not enough')
    ran += DAY - 1
    t.equal(sweep.pass(), 0, 'nor is almost a day')
    ran += 1
    t.equal(sweep.pass(), 1)
    t.notOk(existsSync(staged))
    t.ok(existsSync(message), 'what is no staged file stays')
  },
)

void t.test('a staged file that is young by its own time stays', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, 'incoming'))
  const staged = join(root, 'incoming/.01JD3Z8K6Q4W5E6R7T8Y9V0A1P')
  let ran = 0
  const now = Date.now()
  const sweep = new Sweep(new Layout(root), { now: () => now, monotonic: () => ran })
  writeFileSync(staged, 'x')
  sweep.pass()
  ran += 2 * DAY
  utimesSync(staged, 0, 0)
  t.equal(sweep.pass(), 0, 'its time of change tells, not one that anybody may set')
  t.ok(existsSync(staged))
})

import t from 'tap'

import { Pace } from '../../../src/queue/spool/pace.ts'

/** How many of so many calls were made here, on a disk that takes so long for each (ms). */
function made(pace: Pace, calls: number, ms: number): number {
  let here = 0
  for (let call = 0; call < calls; call++)
    if (pace.isQuick()) {
      here++
      pace.took(ms)
    }
  return here
}

void t.test('a quick disk is waited for', async (t) => {
  t.equal(made(new Pace(), 1_000, 0.02), 1_000)
})

void t.test('one very slow call among quick ones changes nothing', async (t) => {
  const pace = new Pace()
  made(pace, 100, 0.02)
  pace.took(20)
  t.equal(made(pace, 100, 0.02), 100)
})

void t.test('a slow disk is waited for now and then, to find out', async (t) => {
  const here = made(new Pace(), 10_000, 1)
  t.ok(here > 10 && here < 300, `${here}`)
})

void t.test('a disk that became quick again is waited for again', async (t) => {
  const pace = new Pace()
  made(pace, 1_000, 1)
  t.ok(made(pace, 1_000, 0.02) > 700)
})

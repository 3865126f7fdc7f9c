/**
 * fuzz - a sample of `npm run fuzz`: a hundred cases and more of each law, others at each run.
 */
import t from 'tap'

import { law } from './law.ts'
import { allLaws } from './laws.ts'

const SAMPLE = 25
const LEAST = 100
const seed = Number(process.env['MSGQ_FUZZ_SEED'] ?? Date.now() % 2 ** 31) | 0

for (const { name, share, check } of allLaws())
  void t.test(name, async (t) => {
    const { runs, broken } = await check(Math.max(LEAST, SAMPLE * share), seed)
    t.equal(broken, undefined, `--seed ${seed}`)
    t.ok(runs >= LEAST, `${runs} cases`)
  })

void t.test('a law that is broken is told with what broke it', async (t) => {
  const { default: fc } = await import('fast-check')
  const small = law('small', 1, fc.nat(), (n) => n < 1_000)
  t.match(await small.check(1_000, 1), { broken: /Counterexample: \[1000\]/ })
  const thrown = law('thrown', 1, fc.constant(0), () => {
    throw new Error('a bug')
  })
  t.match(await thrown.check(1, 1), { broken: /a bug/ })
})

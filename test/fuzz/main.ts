/**
 * main - `npm run fuzz [-- --runs N --seed S]`: checks every law with its share of N cases, and
 * prints how many each of them had. Exit code 1 when a law is broken, with the counterexample.
 */
import { parseArgs } from 'node:util'

import { allLaws } from './laws.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string' }, seed: { type: 'string' } },
})
const runs = Number(values.runs ?? 120_000)
// Seeds of fast-check are whole numbers of 32 bits.
const seed = Number(values.seed ?? Date.now() % 2 ** 31) | 0
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error('--runs: a number from 1')

console.log(`fuzz: ${runs} cases, --seed ${seed}\n`)
const laws = allLaws()
const shares = laws.reduce((sum, { share }) => sum + share, 0)
const began = performance.now()
let total = 0
let broken = 0
for (const { name, share, check } of laws) {
  const start = performance.now()
  const verdict = await check(Math.ceil((runs * share) / shares), seed)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  total += verdict.runs
  const said = verdict.broken === undefined ? 'holds' : 'BROKEN'
  console.log(
    `${String(verdict.runs).padStart(8)}  ${said}  ${seconds.padStart(5)} s  ${name}`,
  )
  if (verdict.broken === undefined) continue
  broken++
  console.log(`\n${verdict.broken}\n`)
}
const seconds = ((performance.now() - began) / 1000).toFixed(0)
console.log(`\n${total} cases of ${laws.length} laws in ${seconds} s, ${broken} broken`)
process.exitCode = broken === 0 ? 0 : 1

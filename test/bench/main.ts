/**
 * main - `npm run bench [-- --quick]`: prints each figure as a line of JSON as it comes, and all
 * of them as a table at the end. Quiet machines only; ratios are what to compare.
 */
import { delivery } from './delivery.ts'
import { enqueue } from './enqueue.ts'
import { jsonLine, table } from './figure.ts'
import type { Figure } from './figure.ts'
import { cleanUp } from './ground.ts'
import { latency } from './latency.ts'
import { start } from './start.ts'

const quick = process.argv.includes('--quick')
const runs: (() => Promise<Figure>)[] = [
  () => start(quick ? 10 : 30),
  () => enqueue(quick ? 400 : 2_000, 1),
  () => enqueue(quick ? 1_000 : 8_000, 32),
  () => delivery(quick ? 3_000 : 20_000),
  () => latency(quick ? 50 : 200, 0),
  () => latency(quick ? 50 : 200, quick ? 10_000 : 100_000),
]

const figures: Figure[] = []
try {
  for (const run of runs) {
    const figure = await run()
    figures.push(figure)
    console.log(jsonLine(figure))
  }
  console.log(`\n${table(figures)}`)
} finally {
  cleanUp()
}

/**
 * chart - the drawing says what was kept, and the committed one is that of the committed results.
 */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

import { chart } from './chart.ts'
import { figure } from './figure.ts'
import { readResults } from './kept.ts'
import type { Results } from './kept.ts'

const CHART = 'docs/figures/speed.svg'

const RESULTS: Results = {
  peers: [
    {
      name: 'msgq',
      count: 20_000,
      enqueueOne: 3_000,
      enqueueMany: 9_000,
      deliver: 12_000,
      cpu: 80,
    },
    {
      name: 'A & B <1>',
      count: 20_000,
      enqueueOne: 1_500,
      enqueueMany: 9_500,
      deliver: 4_000,
    },
  ],
  bench: [
    figure({
      name: 'CPU of a message with 1000000 deferred',
      unit: 'us',
      value: 90,
      baseline: 85,
      against: 'with 1000 deferred',
      more: { 1000: 85, 1000000: 90 },
    }),
  ],
}

/** The lengths of the bars of one kind, in their order. */
function lengths(svg: string, kind: string): number[] {
  const bars = svg.matchAll(new RegExp(`class="${kind}" .*? width="(\\d+)"`, 'g'))
  return [...bars].map((match) => Number(match[1]))
}

t.test('a bar is as long as its share of the longest beside it', async (t) => {
  const svg = chart(RESULTS)
  t.same(lengths(svg, 'ours'), [300, 284, 300, 283, 300])
  t.same(lengths(svg, 'theirs'), [100, 300, 150])
})

t.test('everything is said in words too', async (t) => {
  const [, about] = /<desc id="about">(.*)<\/desc>/.exec(chart(RESULTS))!
  t.match(about, 'msgq 12,000 (80 µs of CPU each); A &amp; B &lt;1&gt; 4,000.')
  t.match(about, '1,000,000 others wait 90 µs.')
})

t.test('what was not measured is not drawn', async (t) => {
  t.notMatch(chart({ ...RESULTS, peers: [] }), /Delivered/)
  t.notMatch(chart({ ...RESULTS, bench: [] }), /others wait/)
  t.throws(() => chart({ peers: [], bench: [] }), /--keep/)
})

const skip = !existsSync(CHART) && 'nothing was drawn yet: npm run bench:chart'

t.test('the committed chart is that of the committed results', { skip }, async (t) => {
  t.equal(readFileSync(CHART, 'utf8'), chart(readResults()), 'npm run bench:chart')
})

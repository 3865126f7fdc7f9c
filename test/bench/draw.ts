/**
 * draw - `npm run bench:chart`: draws the chart of the README anew from what was kept.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { chart } from './chart.ts'
import { readResults } from './kept.ts'

const CHART = resolve('docs/figures/speed.svg')

mkdirSync(dirname(CHART), { recursive: true })
writeFileSync(CHART, chart(readResults()))
console.log(CHART)

/**
 * main - `npm run bench [-- --quick] [--keep] [--journal | --on DIR] [NAME...]`: prints each figure as
 * a line of JSON as it comes, and all of them as a table at the end. Exit code 1 when one is
 * worse than the committed ratio by a fifth, or could not be had. Quiet machines only.
 */
import { endAll } from './children.ts'
import { regressions } from './compare.ts'
import { jsonLine, table } from './figure.ts'
import type { Figure } from './figure.ts'
import { keepRatios, keepResults, readRatios } from './kept.ts'
import { native } from './native.ts'
import { isWanted, kindOf, readOptions } from './options.ts'
import { rowsOf } from './rows.ts'
import { onStage } from './stage.ts'

const options = readOptions(process.argv.slice(2))
const rows = rowsOf(options.quick).filter(({ name }) => isWanted(name, options))
if (rows.length === 0) throw new Error(`no such row: ${options.names.join(' ')}`)

const figures: Figure[] = []
const failures: string[] = []
await onStage(options, async () => {
  if (native('durable') === undefined)
    console.log(
      'no C compiler (cc): receiver, baselines and filling are in Node, and dearer',
    )
  for (const { name, run } of rows) {
    try {
      for (const figure of await run()) {
        figures.push(figure)
        console.log(jsonLine(figure))
      }
    } catch (error) {
      failures.push(`FAILED ${name}: ${String(error)}`)
      console.log(failures.at(-1))
    }
    await endAll()
  }
})
console.log(`\n${table(figures)}`)
const kind = kindOf(options)
const worse = [...failures, ...regressions(figures, readRatios()[kind])]
if (options.keep) {
  keepRatios(kind, figures)
  if (!options.quick) keepResults({ bench: figures })
}
if (worse.length > 0) console.log(`\n${worse.join('\n')}`)
process.exitCode = worse.length > 0 ? 1 : 0

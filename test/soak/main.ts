/**
 * main - `npm run soak [-- --seconds 60 --seed N]`: ends with the account of every message. Exit
 * code 1 when one is lost or anything else is wrong; the spool is then kept to be looked at.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { complaints, table } from './report.ts'
import { soak } from './soak.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' } },
})
const seconds = Number(values.seconds ?? 60)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(seconds > 0) || !Number.isSafeInteger(seed))
  throw new Error('--seconds and --seed are numbers')

const folder = mkdtempSync(join(tmpdir(), 'msgq-soak-'))
const ends: (() => unknown)[] = []
const stage = {
  teardown: (act: () => unknown) => void ends.unshift(act),
  testdir: () => folder,
  fail: (what: string) => {
    throw new Error(what)
  },
}

console.log(`soak: ${seconds} s, --seed ${seed}`)
let wrong = ['it broke off']
try {
  const soaked = await soak(stage, { seconds, seed, tell: console.log })
  wrong = complaints(soaked)
  console.log(`\n${table(soaked)}`)
} finally {
  for (const end of ends) await end()
  for (const line of wrong) console.log(line)
  if (wrong.length === 0) rmSync(folder, { recursive: true })
  else console.log(`\nthe spool is kept: ${folder}`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}

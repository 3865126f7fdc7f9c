/**
 * main - `npm run test:crash [-- NAME...]`: strikes msgq and msgqd at every call that they make
 * on a spool, and counts what came of it. With names, only those scenarios.
 *
 * Prints a line of JSON for each scenario and for each promise that was broken, and a table at
 * the end. Exits 1 when anything was lost, doubled, left behind, or ended as it must not.
 */
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'

import { DELIVERIES } from './deliveries.ts'
import { ERRORS } from './fail.ts'
import { fullDisk } from './full-disk.ts'
import { Plan } from './plan.ts'
import { SENDS } from './sends.ts'
import { cannotMount } from './small-disk.ts'
import { storm } from './storm.ts'
import { cannotTrace } from './strace.ts'
import { survey } from './strike.ts'
import { Tally, table } from './tally.ts'
import { VERBS } from './verbs.ts'
import type { Outcome } from './wrong.ts'

const BELOW = resolve(`.tap/crash-${process.pid}`)

const untraceable = cannotTrace()
if (untraceable === false) await strikeAll(process.argv.slice(2))
else console.log(`test:crash: skipped: ${untraceable}`)

async function strikeAll(names: readonly string[]): Promise<void> {
  const isWanted = (name: string) => names.length === 0 || names.includes(name)
  const tallies: Tally[] = []
  try {
    // They mostly wait, while the others work.
    const storms = isWanted('storm') ? ERRORS.map((error) => storm(error, BELOW)) : []
    const plan = new Plan(BELOW)
    for (const scenario of [...SENDS, ...DELIVERIES, ...VERBS]) {
      const blows = plan.blowsOf(scenario, await survey(scenario, BELOW))
      if (!isWanted(scenario.name)) continue
      const tally = new Tally(scenario.name)
      await plan.carryOut(blows, tally, (outcome) => complain(scenario.name, outcome))
      tallies.push(said(tally))
    }
    if (isWanted('full disk')) tallies.push(said(await filled()))
    const tally = new Tally('storm')
    for (const outcome of await Promise.all(storms)) {
      tally.add(outcome)
      complain('storm', outcome)
    }
    if (storms.length > 0) tallies.push(said(tally))
    console.log(`\n${table(tallies)}`)
  } finally {
    rmSync(BELOW, { recursive: true, force: true })
  }
  process.exitCode = tallies.every((tally) => tally.isGood) ? 0 : 1
}

async function filled(): Promise<Tally> {
  const unmountable = cannotMount()
  const tally = new Tally('full disk')
  if (unmountable === false) {
    const outcome = await fullDisk(BELOW)
    tally.add(outcome)
    complain('full disk', outcome)
  } else {
    tally.isSkipped = true
    tally.ended.set(`skipped: ${unmountable}`, 1)
  }
  return tally
}

function complain(scenario: string, { role, what, wrongs }: Outcome): void {
  for (const { kind, text } of wrongs)
    console.log(JSON.stringify({ scenario, role, what, kind, text: text.slice(0, 300) }))
}

function said(tally: Tally): Tally {
  const { scenario, missed } = tally
  for (const aim of missed) console.log(JSON.stringify({ scenario, missed: aim }))
  console.log(tally.json())
  return tally
}

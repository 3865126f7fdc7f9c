/**
 * A sample of `npm run test:crash`, and what shows that its checks can fail.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { takeCensus } from './census.ts'
import { DELIVERIES } from './deliveries.ts'
import { Ground } from './ground.ts'
import { Plan } from './plan.ts'
import type { Blow } from './plan.ts'
import type { Scenario } from './scenario.ts'
import { SENDS } from './sends.ts'
import { cannotTrace } from './strace.ts'
import { survey } from './strike.ts'
import { Tally } from './tally.ts'
import { VERBS } from './verbs.ts'
import { judge } from './verdict.ts'
import type { Outcome } from './wrong.ts'

const skip = cannotTrace()
const ALL = [...SENDS, ...DELIVERIES, ...VERBS]
const named = (name: string): Scenario => ALL.find((it) => it.name === name)!

/** What is struck: by scenario, the calls that are killed and those that fail. */
const SAMPLE: readonly [name: string, killed: RegExp, failed: RegExp][] = [
  [
    'send',
    /rename|fsync incoming #/,
    /^(ENOSPC at (fsync incoming #|rename)|EROFS from open)/,
  ],
  [
    'deliver',
    /rename incoming|unlink active/,
    /^(ENOSPC at mkdir run|EIO at unlink active)/,
  ],
  ['defer', /rename active/, /^ENOSPC at rename active/],
  ['hold', /rename incoming/, /^EIO at (getdents64 deferred\S* #1|fsync)/],
  ['suspend', /(rename|fsync) suspended/, /^ENOSPC at (write|rename) suspended/],
  ['resume', /unlink suspended/, /^EIO at unlink suspended/],
  ['delete (in flight, no daemon)', /active/, /^EIO at (rename|unlink) /],
  ['delete (in flight)', /unlink active/, /^EIO at unlink active/],
  ['keyed', /rename keys/, /^ENOSPC at rename keys/],
  [
    'requeue (redirect)',
    /rename incoming|unlink bounce/,
    /^(ENOSPC at rename incoming|EIO at unlink bounce)/,
  ],
  [
    'fan out',
    /EXPANDED|mark-2 -> incoming/,
    /^(ENOSPC at rename active\S* -> incoming\/DUE,0,ID@mark-2|EIO at fsync active #1)/,
  ],
  [
    'notice',
    /rename incoming\S* -> incoming/,
    /^ENOSPC at rename run\/bounced\S* -> \S+ #1$/,
  ],
  [
    'fallback',
    /rename incoming\S* -> incoming/,
    /^ENOSPC at rename run\/fallback\S* -> \S+ #1$/,
  ],
  ['delete (keyed)', /unlink keys/, /^EIO at openat look keys/],
]

t.test('killed, and failing, at some calls', { skip }, async (t) => {
  for (const [name, killed, failed] of SAMPLE)
    await t.test(name, async (t) => {
      const below = t.testdir()
      const plan = new Plan(below)
      const points = await survey(named(name), below)
      const kills = plan.kills(named(name), points).filter(({ aim }) => killed.test(aim))
      const fails = plan.blowsOf(named(name), points).filter(({ aim }) => failed.test(aim))
      const tally = await struck(t, plan, name, [...kills, ...fails])
      t.ok(kills.length > 0 && tally.killed >= kills.length, `${tally.killed} killed`)
      t.ok(fails.length > 0 && tally.failed >= fails.length, `${tally.failed} failed`)
      t.same(tally.missed, [])
      t.ok(tally.isGood)
    })
})

async function struck(
  t: Test,
  plan: Plan,
  name: string,
  blows: readonly Blow[],
): Promise<Tally> {
  const tally = new Tally(name)
  await plan.carryOut(blows, tally, ({ role, what, wrongs }: Outcome) => {
    t.same(wrongs, [], `${what} at ${role}`)
  })
  return tally
}

t.test('nothing struck is no success', async (t) => {
  const tally = new Tally('nothing')
  t.notOk(tally.isGood)
  tally.points = 40
  t.notOk(tally.isGood, 'nor is a plan that met nothing')
  tally.add({ ...NOTHING_WRONG, what: 'KILL' })
  t.ok(tally.isGood)
  tally.missed.push('KILL at rename #1')
  t.notOk(tally.isGood, 'one in forty was missed')
})

const NOTHING_WRONG = {
  ...{ role: undefined, ended: '', wrongs: [], repeats: 0, staged: 0 },
}

/** What may be done to a spool behind the back of all, and what is said of it. */
const DAMAGE: readonly [
  what: string,
  kind: string,
  (ground: Ground, at: string) => void,
][] = [
  ['a message that is removed', 'lost', (_, at) => rmSync(at)],
  ['a second file', 'doubled', (_, at) => copyFileSync(at, at.replace(',0,', ',1,'))],
  ['a copy under a new id', 'doubled', (_, at) => copyFileSync(at, at.replace(/.@/, 'X@'))],
  ['a file that is none of ours', 'stray', ({ spool }) => put(spool, 'run/left')],
  ['a file beside the folders', 'stray', ({ spool }) => put(spool, 'x')],
  [
    'a message that is moved to where it does not belong',
    'other',
    ({ spool }, at) => renameSync(at, at.replace(`${spool}/incoming`, `${spool}/hold`)),
  ],
  [
    'a body that is cut short',
    'other',
    (_, at) => writeFileSync(at, readFileSync(at).subarray(0, -3)),
  ],
]

function put(spool: string, file: string): void {
  mkdirSync(dirname(join(spool, file)), { recursive: true })
  writeFileSync(join(spool, file), '')
}

t.test('what is damaged is named', async (t) => {
  for (const [what, kind, damage] of DAMAGE)
    await t.test(what, async (t) => {
      const ground = await Ground.make(t.testdir())
      t.teardown(() => ground.close())
      await named('deliver').prepare!(ground)
      const [place] = takeCensus(ground.spool).places.get('mark-1')!
      damage(ground, join(ground.spool, place!))
      const sure = new Set(['mark-1'])
      const { wrongs } = await judge(ground, named('deliver'), sure, 'killed')
      t.match(new Set(wrongs.map((wrong) => wrong.kind)), new Set([kind]))
    })
})

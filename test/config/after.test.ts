import { join } from 'node:path'

import t from 'tap'

import { checkConfig } from '../../src/config/load.ts'
import { machine, put } from './machine.ts'

const CRM = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n'
const PAGER = '[destinations.pager]\ntype = "http"\nurl = "https://pager.example/"\n'
const HOUR = 3_600_000

t.test('what is written is in force', async (t) => {
  const config = put(
    join(t.testdir(), 'msgq.toml'),
    `[bounce]
notify = ["pager", "https://ops.example/x"]
notify_wait = "1s"
notify_every = "2h"
keep = "forever"
[deferred]
warn_after = "4h"
[[expect]]
event = "backup.*"
every = "26h"
[[expect]]
to = "crm"
when = "delivered"
every = "1h"
notify = "pager"
[[expect]]
to = "https://hooks.example/in/hush"
every = "1h"
${CRM}fallback = { to = "pager", after = "10m", level = "error" }
${PAGER}`,
  )
  const { config: loaded, problems } = checkConfig(machine(t.testdirName), { config })
  t.same(problems, [])
  const notify = ['pager', 'https://ops.example/x']
  t.same(loaded!.bounce, {
    ...{ notify, notifyWait: 1_000, notifyEvery: 2 * HOUR, keep: Infinity },
  })
  t.same(loaded!.deferred, { warnAfter: 4 * HOUR })
  t.same(loaded!.expect, [
    {
      ...{ name: 'event backup.*, every 1d2h', event: 'backup.*', when: 'accepted' },
      ...{ every: 26 * HOUR, notify },
    },
    {
      ...{ name: 'to crm, when delivered, every 1h', to: 'crm', when: 'delivered' },
      ...{ every: HOUR, notify: ['pager'] },
    },
    {
      ...{ name: 'to https://hooks.example/in/..., every 1h', when: 'accepted' },
      ...{ to: 'https://hooks.example/in/hush', every: HOUR, notify },
    },
  ])
  const { fallback } = loaded!.destinations.get('crm')!
  t.same(fallback, { to: 'pager', after: 600_000, level: 'error' })
  t.notOk('fallback' in loaded!.destinations.get('pager')!)
})

const EVERY = 'every = "1h"\nnotify = "crm"\n'

/** What is written beside [destinations.crm], and what is said of it: why, line and option. */
const WRONG: Readonly<Record<string, RegExp>> = {
  '[bounce]\nnotify = "cmr"\n': /:2: bounce.notify: no such destination: "cmr"/,
  '[bounce]\nnotify = ["crm", 1]\n': /bounce.notify: is no name: 1/,
  '[bounce]\nnotify = ["crm", "crm"]\n': /bounce.notify: names one twice/,
  '[bounce]\nnotify = "https://u:p@x.example/"\n': /bounce.notify: has a user or password/,
  '[bounce]\nkeep = "1m"\n': /bounce.keep: is too small/,
  '[deferred]\nwarn_after = "4h"\n': /:2: deferred.warn_after: is told to nobody/,
  'expect = 1\n': /expect: is not a list of tables/,
  '[expect]\nevery = "1h"\n': /expect: is not a list of tables/,
  [`[[expect]]\n${EVERY}`]: /expect: number 1: says neither event nor to nor key/,
  '[[expect]]\nevent = "x"\nnotify = "crm"\n': /expect: number 1: every is missing/,
  '[[expect]]\nevent = "x"\nevery = "1h"\n': /expect: is told to nobody/,
  [`[[expect]]\nevnt = "x"\n${EVERY}`]:
    /number 1: unknown option "evnt".*did you mean event/,
  [`[[expect]]\nevent = "x"\nwhen = "delivered"\n${EVERY}`]: /needs a `to`/,
  [`[[expect]]\nto = "crm"\nkey = "x"\nwhen = "delivered"\n${EVERY}`]: /goes by `to` alone/,
  [`[[expect]]\nevent = "x"\n${EVERY}[[expect]]\nevent = "x"\n${EVERY}`]: /number 2 stands/,
  '[[expect]]\nevent = "x"\nevery = "1h"\nnotify = "cmr"\n': /expect: no such destination/,
}

t.test('what cannot be is said, with its place', async (t) => {
  for (const [text, said] of Object.entries(WRONG)) {
    const dir = t.testdir()
    const config = put(join(dir, 'msgq.toml'), text + CRM)
    const { problems } = checkConfig(machine(dir), { config })
    t.match(
      problems.map(({ message, hint }) => `${message} (${hint})`).join('\n'),
      said,
      text,
    )
    t.equal(problems.length, 1, text)
  }
})

t.test('a fallback leads somewhere, and ends', async (t) => {
  const said = (more: string) => {
    const dir = t.testdir()
    const config = put(join(dir, 'msgq.toml'), more)
    return checkConfig(machine(dir), { config }).problems.map(({ message }) =>
      message.slice(dir.length),
    )
  }
  t.match(said(`${CRM}fallback = { to = "pgr" }\n${PAGER}`), [
    '/msgq.toml:4: destinations.crm.fallback.to: no such destination: "pgr"',
  ])
  t.match(said(`${CRM}fallback = { after = "1m" }\n`), [/fallback.to: is missing/])
  t.match(said(`${CRM}fallback = { to = "crm", afer = "1m" }\n`), [/afer: unknown option/])
  t.match(said(`${CRM}fallback = { to = "crm" }\n`), [
    /comes back to where it began: crm -> crm/,
  ])
  const loop = `${CRM}fallback = { to = "pager" }\n${PAGER}fallback = { to = "crm" }\n`
  t.match(said(loop), [/crm -> pager -> crm/, /pager -> crm -> pager/])
  const into = `[destinations.a]\ntype = "http"\nurl = "http://a.example/"\nfallback.to = "crm"\n`
  t.equal(said(into + loop).length, 2, 'one that only leads into a loop is right itself')
  t.same(said(`${into}${CRM}fallback = { to = "pager" }\n${PAGER}`), [])
})

/**
 * config - what is in force, and who said so.
 */
import t from 'tap'

import { World } from './world.ts'

const CRM = `spool = "queue"
[retry]
max = "30m"
[destinations.crm]
type = "http"
url = "https://crm.example/hooks"
auth = { bearer = "s3cret" }
`

t.test('each option is shown as one would write it, with its place', async (t) => {
  const world = await World.open(t, CRM)
  const { code, out } = await world.run('config')
  t.equal(code, 0)
  const lines = out.replaceAll(world.folder, '').split('\n')
  for (const line of [
    /^spool = "\/spool" +# \$MSGQ_SPOOL$/,
    /^retry\.min = "10s" +# default$/,
    /^retry\.max = "30m" +# \/etc\/msgq\/msgq\.toml:3$/,
    /^#send\.to = +# not set$/,
    /^destinations\.crm\.auth\.bearer = "\*\*\*\*" +# \/etc\/msgq\/msgq\.toml:7$/,
  ])
    t.ok(
      lines.some((it) => line.test(it)),
      String(line),
    )
  t.notMatch(out, 's3cret')
})

t.test(
  'a name shows a table, an option or a destination with what it inherits',
  async (t) => {
    const world = await World.open(t, CRM)
    const one = await world.run('config', 'retry.max')
    t.equal(
      one.out.replaceAll(world.folder, ''),
      'retry.max = "30m"  # /etc/msgq/msgq.toml:3\n',
    )
    const table = await world.run('config', 'retry')
    t.equal(table.out.trim().split('\n').length, 6)
    const crm = await world.run('config', 'crm')
    t.match(crm.out, /^destinations\.crm\.retry\.max = "30m" +# .*msgq\.toml:3$/m)
  },
)

t.test('JSON has a line for each option', async (t) => {
  const world = await World.open(t, CRM)
  const { out } = await world.run('config', 'retry', '--json')
  t.same(JSON.parse(out.split('\n')[0]!), {
    option: 'retry.min',
    value: '"10s"',
    where: 'default',
  })
})

t.test('a name that means nothing is a usage error with a guess', async (t) => {
  const world = await World.open(t, CRM)
  t.same(await world.run('config', 'retri'), {
    code: 64,
    out: '',
    err: 'msgq: config: no such option or destination: "retri"\n  hint: did you mean retry?\n',
  })
})

t.test('a configuration with faults shows nothing', async (t) => {
  const world = await World.open(t, '[retry]\nmim = 1\n')
  const ran = await world.run('config')
  t.match(ran, {
    code: 78,
    out: '',
    err: /^msgq: config: .*msgq\.toml:2: retry\.mim: unknown/,
  })
})

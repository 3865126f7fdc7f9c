import { join } from 'node:path'

import t from 'tap'

import { showConfig } from '../../src/config/show.ts'
import { machine, put } from './machine.ts'

t.test('without a configuration every option is a default', async (t) => {
  const dir = t.testdir()
  const rows = showConfig(machine(dir), {})
  t.same(rows.slice(0, 5), [
    { option: 'spool', value: `"${dir}/home/.local/state/msgq"`, where: 'default' },
    { option: 'any_filesystem', value: 'false', where: 'default' },
    { option: 'active_limit', value: '1000', where: 'default' },
    { option: 'send.to', value: '', where: 'not set' },
    { option: 'send.message_size_limit', value: '"10MiB"', where: 'default' },
  ])
  t.same(
    rows.filter(({ where }) => where !== 'default').map(({ option }) => option),
    [
      'send.to',
      'mail',
      'listen.http',
      'listen.tokens',
      'bounce.notify',
      'expect',
      'events.schema',
    ],
  )
})

function setUp(dir: string) {
  const config = put(
    join(dir, 'msgq.toml'),
    `spool = "q"
any_filesystem = true
[retry]
max = "60m"
[destinations.crm]
type = "http"
url = "https://crm.example/hooks/hunter1"
headers = { x-api-key = "hunter2", x-b = "plain", x-c = { file = "c" } }
auth = { basic = { user = "u", password = "hunter3" } }
retry.min = "5s"
`,
  )
  const part = put(
    join(dir, 'conf.d/retry.toml'),
    `[destinations.retry]
type = "http"
url = { env = "URL" }
auth.bearer = "hunter4"
`,
  )
  return { config, part }
}

t.test('each option says where it comes from, and no secret is shown', async (t) => {
  const dir = t.testdir()
  const { config, part } = setUp(dir)
  const rows = showConfig(machine(dir), { config })
  const at = (line: number) => `${config}:${line}`
  t.same(
    rows.filter(({ where }) => where !== 'default'),
    [
      { option: 'spool', value: `"${dir}/q"`, where: at(1) },
      { option: 'any_filesystem', value: 'true', where: at(2) },
      { option: 'send.to', value: '', where: 'not set' },
      { option: 'mail', value: '', where: 'not set' },
      { option: 'listen.http', value: '', where: 'not set' },
      { option: 'listen.tokens', value: '', where: 'not set' },
      { option: 'retry.max', value: '"60m"', where: at(4) },
      { option: 'bounce.notify', value: '', where: 'not set' },
      { option: 'expect', value: '', where: 'not set' },
      { option: 'events.schema', value: '', where: 'not set' },
      { option: 'destinations.crm.type', value: '"http"', where: at(6) },
      {
        option: 'destinations.crm.url',
        value: '"https://crm.example/hooks/..."',
        where: at(7),
      },
      { option: 'destinations.crm.headers.x-api-key', value: '"****"', where: at(8) },
      { option: 'destinations.crm.headers.x-b', value: '"plain"', where: at(8) },
      { option: 'destinations.crm.headers.x-c', value: '{ file = "c" }', where: at(8) },
      { option: 'destinations.crm.auth.basic.user', value: '"u"', where: at(9) },
      { option: 'destinations.crm.auth.basic.password', value: '"****"', where: at(9) },
      { option: 'destinations.crm.retry.min', value: '"5s"', where: at(10) },
      { option: 'destinations.retry.type', value: '"http"', where: `${part}:2` },
      { option: 'destinations.retry.url', value: '{ env = "URL" }', where: `${part}:3` },
      { option: 'destinations.retry.auth.bearer', value: '"****"', where: `${part}:4` },
    ],
  )
  t.notMatch(JSON.stringify(rows), /hunter/)
})

t.test('the environment and the flags are named', async (t) => {
  const dir = t.testdir()
  const { config } = setUp(dir)
  const env = machine(dir, { MSGQ_SPOOL: '/e', MSGQ_ANY_FILESYSTEM: '0' })
  t.same(showConfig(env, { config }).slice(0, 2), [
    { option: 'spool', value: '"/e"', where: '$MSGQ_SPOOL' },
    { option: 'any_filesystem', value: 'false', where: '$MSGQ_ANY_FILESYSTEM' },
  ])
  t.same(showConfig(env, { config, spool: '/f' }, 'spool'), [
    { option: 'spool', value: '"/f"', where: '--spool' },
  ])
})

t.test(
  'a name shows a table, an option, or all that holds for a destination',
  async (t) => {
    const dir = t.testdir()
    const { config } = setUp(dir)
    const show = (name: string) => showConfig(machine(dir), { config }, name)
    t.same(
      show('log').map(({ option, value }) => `${option} = ${value}`),
      ['log.level = "info"', 'log.format = "auto"', 'log.retention = "30d"'],
    )
    t.match(show('retry.max'), [{ value: '"60m"' }])
    t.match(show('retry')[0], { option: 'retry.min' }, 'the table, not the destination')
    t.match(show('destinations.retry')[0], { option: 'destinations.retry.type' })
    const crm = show('crm')
    t.same(
      crm.filter(({ option }) => /method|retry/.test(option)),
      [
        { option: 'destinations.crm.method', value: '"POST"', where: 'default' },
        { option: 'destinations.crm.retry.min', value: '"5s"', where: `${config}:10` },
        { option: 'destinations.crm.retry.factor', value: '2', where: 'default' },
        { option: 'destinations.crm.retry.max', value: '"60m"', where: `${config}:4` },
        { option: 'destinations.crm.retry.jitter', value: '0.2', where: 'default' },
        { option: 'destinations.crm.retry.tries', value: '0', where: 'default' },
        { option: 'destinations.crm.retry.lifetime', value: '"5d"', where: 'default' },
      ],
    )
    t.match(show('destinations.crm.http.timeout'), [{ value: '"30s"', where: 'default' }])
    t.same(show('destinations.crm'), crm)
  },
)

t.test('a name that is nobody’s', async (t) => {
  const dir = t.testdir()
  const { config } = setUp(dir)
  const show = (name: string) => () => showConfig(machine(dir), { config }, name)
  t.throws(show('retry.mx'), {
    code: 'usage',
    message: 'no such option or destination: "retry.mx"',
    hint: 'did you mean retry.max?',
  })
  t.throws(show('crn'), { code: 'usage', hint: 'did you mean crm?' })
  t.throws(show('something else'), { code: 'usage', hint: 'msgq config lists them all' })
  t.throws(show('ret'), { code: 'usage' }, 'a beginning is no name')
})

t.test('a configuration with a problem is not shown', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), 'sendd = 1')
  t.throws(() => showConfig(machine(dir), { config }), {
    code: 'config',
    message: `${config}:1: sendd: unknown option`,
    hint: 'did you mean send?',
  })
})

t.test('a list is shown as it is written', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), '[http]\ndeny = ["10.0.0.0/8", "::1"]\n')
  t.same(showConfig(machine(dir), { config }, 'http').slice(-2), [
    { option: 'http.deny', value: '["10.0.0.0/8", "::1"]', where: `${config}:2` },
    { option: 'http.allow', value: '[]', where: 'default' },
  ])
})

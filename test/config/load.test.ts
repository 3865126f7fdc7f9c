import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import type { HttpDestination } from '../../src/config/config.ts'
import { DEFAULTS } from '../../src/config/defaults.ts'
import { checkConfig, loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problem.ts'
import { asNobody, machine, put } from './machine.ts'

const CRM = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/in"\n'

const { deny, allow } = DEFAULTS.http
const addresses = { deny, allow }

t.test('without any configuration the defaults are in force', async (t) => {
  const dir = t.testdir()
  t.same(loadConfig(machine(dir), {}), {
    files: [],
    mail: new Map(),
    spool: join(dir, 'home/.local/state/msgq'),
    spoolIsDefault: true,
    anyFilesystem: false,
    send: { messageSizeLimit: 10 * 1024 ** 2, minFree: 256 * 1024 ** 2 },
    submit: { shared: false, maxMessages: 10_000, maxBytes: 1024 ** 3 },
    listen: { cors: [], incomingLimit: 50_000, connections: 512, timeout: 60_000 },
    retry: {
      min: 10_000,
      factor: 2,
      max: 14_400_000,
      jitter: 0.2,
      tries: 0,
      lifetime: 432_000_000,
    },
    http: { timeout: 30_000, connectTimeout: 10_000, headersTimeout: 30_000, ...addresses },
    lane: { window: 20, first: 5 },
    activeLimit: 1000,
    keys: { window: 86_400_000 },
    stop: { grace: 10_000 },
    events: { unrouted: 'bounce', schemas: [] },
    routes: [],
    bounce: {
      notify: [],
      notifyWait: 10_000,
      notifyEvery: 3_600_000,
      keep: 30 * 86_400_000,
    },
    deferred: { warnAfter: Infinity },
    expect: [],
    log: { level: 'info', format: 'auto', retention: 30 * 86_400_000 },
    destinations: new Map(),
    warnings: [],
  })
})

t.test('what is written goes before the default', async (t) => {
  const dir = t.testdir()
  const config = put(
    join(dir, 'msgq.toml'),
    `spool = "q"
any_filesystem = true
active_limit = 7
destinations.crm = { type = "http", url = "http://localhost:1/" }
[send]
to = "crm"
message_size_limit = 4096
min_free = "0"
[retry]
lifetime = "forever"
[http]
connect_timeout = "1h30m"
[lane]
window = 1
[stop]
grace = "0s"
[log]
format = "json"
`,
  )
  t.match(loadConfig(machine(dir), { config }), {
    files: [config],
    spool: join(dir, 'q'),
    anyFilesystem: true,
    activeLimit: 7,
    send: { to: 'crm', messageSizeLimit: 4096, minFree: 0 },
    retry: { min: 10_000, lifetime: Infinity },
    http: { timeout: 30_000, connectTimeout: 5_400_000, headersTimeout: 30_000 },
    lane: { window: 1 },
    stop: { grace: 0 },
    log: { level: 'info', format: 'json', retention: 30 * 86_400_000 },
    warnings: [],
  })
})

t.test('a destination, whole', async (t) => {
  const dir = t.testdir()
  const config = put(
    join(dir, 'msgq.toml'),
    `[retry]
max = "1h"
factor = 3
[destinations.full]
type = "http"
url = { file = "full-url" }
method = "PUT"
content_type = "application/json"
headers = { X-One = "1", X-Key = { env = "FULL_KEY" } }
auth = { basic = { user = "me", password = { file = "pw" } } }
lane = { window = 2 }
[destinations.full.retry]
max = "5m"
[destinations.full.http]
headers_timeout = "5s"
[destinations.bare]
type = "http"
url = "https://bare.example/"
auth.bearer.env = "BARE"
`,
  )
  const { destinations } = loadConfig(machine(dir), { config })
  t.same(
    [...destinations],
    [
      [
        'full',
        {
          name: 'full',
          type: 'http',
          url: { file: 'full-url' },
          method: 'PUT',
          contentType: 'application/json',
          headers: { 'X-One': '1', 'X-Key': { env: 'FULL_KEY' } },
          auth: { kind: 'basic', user: 'me', password: { file: 'pw' } },
          retry: {
            min: 10_000,
            factor: 3,
            max: 300_000,
            jitter: 0.2,
            tries: 0,
            lifetime: 432_000_000,
          },
          http: {
            timeout: 30_000,
            connectTimeout: 10_000,
            headersTimeout: 5_000,
            ...addresses,
          },
          lane: { window: 2 },
          where: `${config}:4`,
        },
      ],
      [
        'bare',
        {
          name: 'bare',
          type: 'http',
          url: 'https://bare.example/',
          method: 'POST',
          headers: {},
          auth: { kind: 'bearer', token: { env: 'BARE' } },
          retry: {
            min: 10_000,
            factor: 3,
            max: 3_600_000,
            jitter: 0.2,
            tries: 0,
            lifetime: 432_000_000,
          },
          http: {
            timeout: 30_000,
            connectTimeout: 10_000,
            headersTimeout: 30_000,
            ...addresses,
          },
          lane: { window: 20, first: 5 },
          where: `${config}:16`,
        },
      ],
    ],
  )
})

t.test('conf.d adds destinations, in the order of its names', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), `[send]\nto = "late"\n${CRM}`)
  const late = put(join(dir, 'conf.d/20.toml'), CRM.replace('crm', 'late'))
  const early = put(join(dir, 'conf.d/10.toml'), CRM.replace('crm', 'early'))
  put(join(dir, 'conf.d/.hidden.toml'), '=')
  put(join(dir, 'conf.d/20.toml~'), '=')
  const loaded = loadConfig(machine(dir), { config })
  t.same(loaded.files, [config, early, late])
  t.same([...loaded.destinations.keys()], ['crm', 'early', 'late'])
  t.equal(loaded.destinations.get('late')?.where, `${late}:1`)
})

t.test('a destination belongs to one place', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), `\n${CRM}`)
  const part = put(join(dir, 'conf.d/a.toml'), `# second\n\n${CRM}`)
  const twice = `${part}:3: destinations.crm: is defined twice, first at ${config}:2`
  t.throws(() => loadConfig(machine(dir), { config }), { code: 'config', message: twice })
  put(part, '')
  put(config, `${CRM}\n[destinations.crm] # again\n`)
  t.throws(() => loadConfig(machine(dir), { config }), {
    message: `${config}:5:2: [destinations.crm] is defined twice, first at ${config}:1`,
  })
})

t.test('conf.d holds destinations and nothing else', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), '')
  const part = put(join(dir, 'conf.d/a.toml'), `spool = "/q"\n${CRM}[retry]\nmin = "1s"\n`)
  const { problems } = checkConfig(machine(dir), { config })
  t.same(
    problems.map(({ message }) => message),
    [
      `${part}:1: spool: may not stand in conf.d`,
      `${part}:5: retry: may not stand in conf.d`,
    ],
  )
  put(part, 'destinations = 3')
  t.throws(() => loadConfig(machine(dir), { config }), {
    message: `${part}:1: destinations: is not a table`,
  })
})

t.test('a conf.d that cannot be read is not left out', async (t) => {
  const dir = t.testdir()
  chmodSync(dir, 0o755)
  const config = put(join(dir, 'msgq.toml'), '')
  const part = put(join(dir, 'conf.d/a.toml'), CRM)
  const folder = join(dir, 'conf.d')
  chmodSync(folder, 0o000)
  const load = () =>
    asNobody(() =>
      t.throws(() => loadConfig(machine(dir), { config }), { code: 'no-permission' }),
    )
  await load()
  chmodSync(folder, 0o755)
  chmodSync(part, 0o000)
  await load()
  chmodSync(part, 0o644)
  t.equal(loadConfig(machine(dir), { config }).destinations.size, 1)
  mkdirSync(join(folder, 'b.toml'))
  t.throws(() => loadConfig(machine(dir), { config }), {
    code: 'config',
    message: `${folder}/b.toml: is a directory`,
  })
})

t.test('an error says where, what, why, and what is right', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), '[retry]\nmn = "10s"\n')
  try {
    loadConfig(machine(dir), { config })
    t.fail('it was loaded')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    t.match(error, {
      code: 'config',
      exitCode: 78,
      message: `${config}:2: retry.mn: unknown option`,
      hint: 'did you mean min?',
    })
  }
})

t.test('all problems of all files are found, in their order', async (t) => {
  const dir = t.testdir()
  const config = put(
    join(dir, 'msgq.toml'),
    `[log]
level = "inof"
[retry]
mni = 1
jitter = 2
[destinations.crm]
url = "crm"
routes = []
[bouncy]
keep = "30d"
[lane]
window = 0
`,
  )
  const first = put(join(dir, 'conf.d/a.toml'), 'a = [1,\n')
  const second = put(join(dir, 'conf.d/b.toml'), '[destinations.Ops]\n')
  const checked = checkConfig(machine(dir), { config })
  t.equal(checked.config, undefined)
  t.same(
    checked.problems.map(({ message }) => message.slice(dir.length)),
    [
      '/msgq.toml:2: log.level: cannot be "inof"',
      '/msgq.toml:4: retry.mni: unknown option',
      '/msgq.toml:5: retry.jitter: is too large: 2',
      '/msgq.toml:6: destinations.crm.type: is missing',
      '/msgq.toml:7: destinations.crm.url: is not a URL',
      '/msgq.toml:8: destinations.crm.routes: unknown option',
      '/msgq.toml:9: bouncy: unknown option',
      '/msgq.toml:12: lane.window: is too small: 0',
      checked.problems.find(({ file }) => file === first)?.message.slice(dir.length),
      '/conf.d/b.toml:1: destinations.Ops: cannot be the name of a destination',
      '/conf.d/b.toml:1: destinations.Ops.type: is missing',
      '/conf.d/b.toml:1: destinations.Ops.url: is missing',
    ],
  )
  t.match(checked.problems[8]?.message, /^\S+conf\.d\/a\.toml:\d+:\d+: \w/)
  t.equal(second, checked.problems.at(-1)?.file)
  t.throws(() => loadConfig(machine(dir), { config }), {
    message: `${config}:2: log.level: cannot be "inof" (and 11 more: msgq check)`,
    hint: /did you mean "info"\?/,
  })
})

t.test('what is no TOML is named by line and column', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), '[retry]\nmin = 10s # soon\n')
  t.throws(() => loadConfig(machine(dir), { config }), {
    code: 'config',
    message: `${config}:2:9: illegal character in numeric literal`,
    hint: 'spans and sizes stand in quotes: "10s"',
  })
  put(config, '[retry]\nmin = "10s\n')
  t.throws(() => loadConfig(machine(dir), { config }), {
    message: new RegExp(`^${config}:2:\\d+: `),
    hint: 'a quote is missing at the end of the line',
  })
  put(config, Buffer.from('spool = "/\xff"', 'latin1'))
  t.throws(() => loadConfig(machine(dir), { config }), {
    message: `${config}: is not UTF-8 text`,
  })
})

t.test('a range that ends before it begins', async (t) => {
  const dir = t.testdir()
  const config = join(dir, 'msgq.toml')
  const problems = (text: string) => {
    put(config, text)
    return checkConfig(machine(dir), { config }).problems.map(({ message }) =>
      message.slice(config.length + 1),
    )
  }
  t.same(problems('[retry]\nmin = "5h"'), ['2: retry.min: is more than max, which is 4h'])
  t.same(problems('[retry]\nmin = "2s"\nmax = "1s"'), [
    '3: retry.max: is less than min, which is 2s',
  ])
  t.same(problems(`[retry]\nmin = "1m"\n${CRM}retry.max = "30s"`), [
    '6: destinations.crm.retry.max: is less than min, which is 1m',
  ])
  t.same(problems(`[retry]\nmin = "1m"\n${CRM}retry.min = "30s"\nretry.max = "30s"`), [])
  t.same(
    problems(`[retry]\nmin = "1mm"\n${CRM}retry.max = "5s"`),
    [`2: retry.min: is not a span of time: "1mm"`],
    'nothing is held against a table that is broken itself',
  )
  t.same(problems(`[retry\n${CRM}retry.max = "5s"`).length, 1)
})

t.test('the receiver of messages that name none must exist', async (t) => {
  const dir = t.testdir()
  const config = join(dir, 'msgq.toml')
  const check = (to: string) => {
    put(config, `[send]\nto = ${JSON.stringify(to)}\n${CRM}`)
    return checkConfig(machine(dir), { config })
  }
  t.equal(check('crm').config?.send.to, 'crm')
  t.equal(check('https://x.example/').config?.send.to, 'https://x.example/')
  t.match(check('crn').problems, [
    {
      message: `${config}:2: send.to: no such destination: "crn"`,
      hint: 'did you mean crm?',
    },
  ])
  t.match(check('https://u:p@x.example/').problems, [
    { message: `${config}:2: send.to: has a user or password in the URL` },
  ])
  t.match(check('ftp://x.example/').problems, [{ message: /that msgq does not speak/ }])
  t.match(check('https://x.example/\u0007hunter2').problems, [
    { message: /: has a control character or a space around it$/ },
  ])
  t.match(check('').problems, [{ message: `${config}:2: send.to: is empty` }])
  put(config, `[send]\nto = "ops"\n`)
  put(join(dir, 'conf.d/a.toml'), '=')
  t.equal(checkConfig(machine(dir), { config }).problems.length, 1, 'ops may be in a.toml')
})

t.test('names that mean something to JavaScript are names like others', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), CRM.replace('crm', 'constructor'))
  t.same([...loadConfig(machine(dir), { config }).destinations.keys()], ['constructor'])
  put(config, '__proto__ = 1\n[constructor]\n[destinations.__proto__]\ntype = "http"')
  t.same(
    checkConfig(machine(dir), { config }).problems.map(({ message }) =>
      message.slice(config.length + 1),
    ),
    [
      '1: __proto__: unknown option',
      '2: constructor: unknown option',
      '3: destinations.__proto__: cannot be the name of a destination',
      '3: destinations.__proto__.url: is missing',
    ],
  )
})

t.test(
  'secrets in the configuration itself get a warning, without their value',
  async (t) => {
    const dir = t.testdir()
    const config = put(
      join(dir, 'msgq.toml'),
      `${CRM}auth = { bearer = "hunter2" }\nheaders = { X-Api-Key = "hunter3", x = "y" }\n`,
    )
    const { warnings, destinations } = loadConfig(machine(dir), { config })
    const crm = destinations.get('crm') as HttpDestination
    t.same(crm.auth, { kind: 'bearer', token: { inline: 'hunter2' } })
    t.same(crm.headers, { 'X-Api-Key': { inline: 'hunter3' }, x: 'y' })
    const why = 'a secret in the configuration itself; { file = "name" } keeps it apart'
    t.same(warnings, [
      `${config}:5: destinations.crm.headers.X-Api-Key: ${why}`,
      `${config}:4: destinations.crm.auth.bearer: ${why}`,
    ])
  },
)

t.test('ten thousand destinations are no burden', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), '')
  for (let file = 0; file < 10; file++) {
    let text = ''
    for (let n = 0; n < 1000; n++)
      text += `${CRM.replace('crm', `d${file}-${n}`)}auth = { bearer = { file = "t" } }\n`
    put(join(dir, `conf.d/${file}.toml`), text)
  }
  const start = performance.now()
  t.equal(loadConfig(machine(dir), { config }).destinations.size, 10_000)
  const took = performance.now() - start
  t.comment(`${Math.round(took)} ms`)
  t.ok(took < 20_000, 'no more than linear')
})

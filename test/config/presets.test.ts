/**
 * presets - services as destinations: what a table comes to, what is missing in one, and that what
 * an operator writes goes before what the preset knows.
 */
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import type { HttpDestination } from '../../src/config/config.ts'
import { checkConfig, loadConfig } from '../../src/config/load.ts'
import { PRESETS } from '../../src/config/presets/all.ts'
import { writtenRules } from '../../src/config/presets/kind.ts'
import { printOf } from '../../src/config/print.ts'
import { readRules } from '../../src/config/rules.ts'
import { secretsOf } from '../../src/config/secrets.ts'
import { showConfig } from '../../src/config/show.ts'
import { machine, put } from './machine.ts'

function place(t: Test, table: string) {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), `[destinations.ops]\n${table}\n`)
  return { environment: machine(dir), flags: { config } }
}

function ops(t: Test, table: string): HttpDestination {
  const { environment, flags } = place(t, table)
  return loadConfig(environment, flags).destinations.get('ops') as HttpDestination
}

t.test('the rules of every preset can be read', async (t) => {
  for (const preset of PRESETS.values()) {
    const rules = readRules(writtenRules(preset), preset.type, (at, why) =>
      t.fail(`${preset.type}: on.${at.join('.')}: ${why}`),
    )
    t.ok(rules.length > 0, preset.type)
    t.ok(
      rules.some(({ verdict }) => verdict === 'suspend'),
      `${preset.type}: a key that is no good suspends`,
    )
  }
})

t.test('a service is an HTTP destination', async (t) => {
  const slack = ops(t, 'type = "slack"\ntoken = { file = "tok" }\nchannel = "#ops"')
  t.match(slack, {
    type: 'http',
    url: 'https://slack.com/api/chat.postMessage',
    method: 'POST',
    auth: { kind: 'bearer', token: { file: 'tok' } },
    lane: { window: 2, rate: { count: 1, per: 1_000, burst: 3 } },
    preset: { type: 'slack', options: { channel: '#ops' }, tooLong: 'cut' },
  })
  t.match(slack.on?.[0], { json: [[['ok'], { equals: [true] }]], by: 'slack' })
  const telegram = ops(t, 'type = "telegram"\ntoken = { env = "T" }\nchat_id = "-1"')
  t.strictSame(telegram.url, {
    within: 'https://api.telegram.org/bot{}/sendMessage',
    secret: { env: 'T' },
  })
  t.strictSame(
    secretsOf(telegram),
    [[['destinations', 'ops', 'token'], { env: 'T' }]],
    'a secret is named once, as it was written',
  )
  const meta = ops(
    t,
    'type = "whatsapp"\nprovider = "meta"\ntoken = { env = "T" }\nphone_id = "106"',
  )
  t.equal(meta.url, 'https://graph.facebook.com/v23.0/106/messages')
})

t.test('what is written goes before what the preset knows', async (t) => {
  const own = ops(
    t,
    `type = "whatsapp"
key = { file = "k" }
url = "https://waba.example/v1/messages"
headers = { "D360-Api-Key" = { file = "own" }, x-a = "1" }
method = "PUT"
lane = { window = 3 }
too_long = "cut"
on = [{ status = 401, then = "bounce" }]`,
  )
  t.match(own, {
    url: 'https://waba.example/v1/messages',
    method: 'PUT',
    lane: { window: 3, rate: { count: 20 } },
    preset: { tooLong: 'cut' },
  })
  t.strictSame(own.headers, { 'D360-Api-Key': { file: 'own' }, 'x-a': '1' })
  t.match(own.on?.[0], { by: 'rule', verdict: 'bounce' })
  t.match(own.on?.[1], { by: 'whatsapp' })
  const toOne = 'type = "whatsapp"\nkey = "k"\nto = "49"\n'
  t.match(ops(t, toOne).lane, { window: 10, rate: { count: 10, per: 60_000, burst: 20 } })
  t.match(ops(t, `${toOne}lane = { rate = "2/s" }`).lane, { rate: { count: 2 } })
  const house = ops(
    t,
    'type = "gotify"\nurl = "https://g/"\ntoken = "t"\n[lane]\nwindow = 1',
  )
  t.match(house.lane, { window: 1 })
})

t.test('what is missing or wrong is said, and what to write', async (t) => {
  for (const [table, why, hint] of [
    ['type = "slack"', /ops\.url: is missing/, /incoming webhook, or token and channel/],
    ['type = "slack"\ntoken = "t"', /ops\.channel: is missing/, /channel = "#ops"/],
    [
      'type = "slack"\nurl = "https://a/"\nchannel = "#a"',
      /channel: goes with a token/,
      /l/,
    ],
    ['type = "slak"\nurl = "https://a/"', /type: cannot be "slak"/, /did you mean "slack"/],
    ['type = "slack"\nurl = "https://a/"\nchanel = "#a"', /chanel: unknown/, /channel/],
    [
      'type = "slack"\nurl = "https://a/"\nkey = "#a"',
      /key: belongs to type "whats/,
      /know/,
    ],
    ['type = "slack"\nurl = "https://a/"\ntoo_long = "x"', /too_long: cannot be/, /cut/],
    ['type = "whatsapp"\nto = "4"', /ops\.key: is missing/, /provider = "meta"/],
    ['type = "whatsapp"\nprovider = "meta"\ntoken = "t"', /phone_id: is missing/, /number/],
    ['type = "whatsapp"\nkey = "k"\nparameters = ["a"]', /parameters: is not/, /subject/],
    ['type = "teams"', /ops\.url: is missing/, /workflow/],
    ['type = "discord"', /ops\.url: is missing/, /webhook/],
    ['type = "telegram"\nchat_id = "1"', /token: is missing/, /BotFather/],
    ['type = "telegram"\ntoken = "t"\nchat_id = 1', /chat_id: is not a text: 1/, /chat_id/],
    ['type = "pagerduty"', /routing_key: is missing/, /Events API v2/],
    [
      'type = "pagerduty"\nrouting_key = "r"\nseverity = "high"',
      /severity: cannot/,
      /warn/,
    ],
    ['type = "ntfy"', /topic: is missing/, /topic/],
    ['type = "ntfy"\ntopic = "a"\npriority = 9', /priority: is too large: 9/, /1 to 5/],
    [
      'type = "ntfy"\ntopic = "a"\nurl = "https://ntfy.example/a"',
      /ops\.url: has a path/,
      /url = "https:\/\/ntfy\.example"/,
    ],
    ['type = "gotify"\ntoken = "t"', /ops\.url: is missing/, /message/],
    ['type = "msgq"\ntoken = "t"', /ops\.url: is missing/, /central/],
    ['type = "msgq"\nurl = "https://a/"', /ops\.token: is missing/, /msgq token add/],
    [
      'type = "msgq"\nurl = "https://a/"\ntoken = "t"\nto = "a"\nevent = "b"',
      /event: does not go with to/,
      /one/,
    ],
    [
      'type = "msgq"\nurl = "https://a/"\ntoken = "t"\ncompress = "gzip"',
      /compress: is nothing that msgq takes/,
      /out/,
    ],
    ['type = "datadog"', /ops\.key: is missing/, /key/],
    ['type = "splunk-hec"\ntoken = "t"', /ops\.url: is missing/, /collector/],
  ] as const) {
    const { environment, flags } = place(t, table)
    const { problems } = checkConfig(environment, flags)
    t.match(problems[0]?.message, why, table)
    t.match(problems[0]?.hint, hint, table)
  }
})

t.test('msgq config shows what is in force, and no secret', async (t) => {
  const { environment, flags } = place(
    t,
    'type = "slack"\ntoken = "xoxb-1"\nchannel = "#ops"\non = [{ status = 500, then = "hold" }]',
  )
  const rows = showConfig(environment, flags, 'ops')
  const of = (name: string) =>
    rows.filter(({ option }) => option === `destinations.ops.${name}`)
  t.match(of('token'), [{ value: '"****"', where: /msgq\.toml:3$/ }])
  t.match(of('lane.rate'), [{ value: '"1/s burst 3"', where: 'preset slack' }])
  t.match(of('too_long'), [{ value: '"cut"', where: 'preset slack' }])
  t.match(of('on')[0], { value: /status = 500/, where: /msgq\.toml:5$/ })
  t.match(of('on')[1], { value: '[{ json = { ok = true }, then = "deliver" }]' })
  t.equal(of('on')[1]?.where, 'preset slack')
  const { warnings } = checkConfig(environment, flags)
  t.match(warnings, [/:3: destinations\.ops\.token: a secret in the configuration itself/])
  const whatsapp = place(t, 'type = "whatsapp"\nkey = "k"\nto = "49"')
  const shown = showConfig(whatsapp.environment, whatsapp.flags, 'ops')
  t.match(
    shown.find(({ option }) => option === 'destinations.ops.lane.rate'),
    { value: '"10/m burst 20"', where: 'preset whatsapp' },
  )
})

t.test('a print changes with options and secrets, and not with places', async (t) => {
  const table = 'type = "ntfy"\ntopic = "a"\ntoken = { file = "tok" }'
  const one = ops(t, table)
  const print = (it: HttpDestination | undefined, secret = 's') => printOf(it, () => secret)
  t.equal(print(one), print(ops(t, `\n\n${table}`)))
  t.not(print(one), print(ops(t, `${table}\npriority = 2`)))
  t.not(print(one), print(one, 'renewed'))
  const fails = printOf(one, () => {
    throw new Error('gone')
  })
  t.not(print(one), fails)
  t.equal(print(undefined), '-')
  t.match(print(one), /^[0-9a-f]{16}\.[0-9a-f]{4}$/)
})

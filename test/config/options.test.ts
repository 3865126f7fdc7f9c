/**
 * options - what each option takes and refuses. One line of TOML in, one problem or one value
 * out, through the whole of the loading.
 */
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import type { Config, HttpDestination } from '../../src/config/config.ts'
import { DEFAULTS } from '../../src/config/defaults.ts'
import { KINDS } from '../../src/config/kinds.ts'
import { checkConfig } from '../../src/config/load.ts'
import { fileTable, optionPaths } from '../../src/config/options.ts'
import { machine, put } from './machine.ts'

type Case = readonly [text: string, expected: unknown]

function checkerOf(t: Test) {
  const dir = t.testdir()
  return (text: string) => {
    const config = put(join(dir, 'msgq.toml'), text)
    const checked = checkConfig(machine(dir), { config })
    const said = checked.problems.map(({ message, hint }) =>
      [message.slice(config.length + 1), hint]
        .filter((part) => part !== undefined)
        .join(' | '),
    )
    return { config: checked.config, said }
  }
}

/** The one destination of a text. */
function only(config: Config | undefined) {
  return [...(config?.destinations.values() ?? [])][0] as HttpDestination | undefined
}

t.test('spans of time', async (t) => {
  const check = checkerOf(t)
  const hint = 'write it as "250ms", "90s", "1h30m" or "5d", from 1ms to 365d'
  const good: Case[] = [
    ['min = "1ms"', { min: 1 }],
    ['min = "1h30m"\nmax = "365d"', { min: 5_400_000, max: 31_536_000_000 }],
    ['lifetime = "0s"', { lifetime: 0 }],
    ['lifetime = "forever"', { lifetime: Infinity }],
    ['lifetime = "36500d"', { lifetime: 36_500 * 86_400_000 }],
  ]
  for (const [text, retry] of good)
    t.match(check(`[retry]\n${text}`).config, { retry }, text)
  const bad: Case[] = [
    ['min = "10 s"', `2: retry.min: is not a span of time: "10 s" | ${hint}`],
    ['min = 10', `2: retry.min: is not a span of time: 10 | ${hint}`],
    ['min = "0s"', `2: retry.min: is too small: "0s" | ${hint}`],
    ['max = "366d"', `2: retry.max: is too large: "366d" | ${hint}`],
    ['max = "forever"', `2: retry.max: is not a span of time: "forever" | ${hint}`],
    ['min = ["1s"]', `2: retry.min: is not a span of time: a list | ${hint}`],
    ['min = { s = 1 }', `2: retry.min: is not a span of time: a table | ${hint}`],
    ['min = 10:00:00', `2: retry.min: is not a span of time: a time | ${hint}`],
    [
      'lifetime = "36501d"',
      '2: retry.lifetime: is too large: "36501d" | write it as "250ms", "90s", "1h30m" or "5d", from 0s to 36500d, or "forever"',
    ],
  ]
  for (const [text, said] of bad) t.same(check(`[retry]\n${text}`).said, [said], text)
  t.match(check('[http]\ntimeout = "1d"').config, { http: { timeout: 86_400_000 } })
  t.match(
    check('[http]\ntimeout = "25h"').said,
    [/too large: "25h"/],
    'a timer takes no more',
  )
  t.match(check('[stop]\ngrace = "0s"').config, { stop: { grace: 0 } })
})

t.test('numbers', async (t) => {
  const check = checkerOf(t)
  const good: Case[] = [
    ['retry.factor = 1', { retry: { factor: 1 } }],
    ['retry.factor = 1.5', { retry: { factor: 1.5 } }],
    ['retry.jitter = 0', { retry: { jitter: 0 } }],
    ['retry.jitter = 1.0', { retry: { jitter: 1 } }],
    ['retry.tries = 3', { retry: { tries: 3 } }],
    ['active_limit = 1', { activeLimit: 1 }],
  ]
  for (const [text, expected] of good) t.match(check(text).config, expected, text)
  const bad: Case[] = [
    ['retry.factor = 0.5', 'is too small: 0.5 | write a number from 1 to 100'],
    ['retry.factor = inf', 'is not a number: Infinity | write a number from 1 to 100'],
    ['retry.factor = nan', 'is not a number: NaN | write a number from 1 to 100'],
    ['retry.factor = "2"', 'is not a number: "2" | write a number from 1 to 100'],
    ['retry.jitter = -0.1', 'is too small: -0.1 | write a number from 0 to 1'],
    ['retry.jitter = 20', 'is too large: 20 | write a number from 0 to 1'],
    [
      'retry.tries = 1.5',
      'is not a whole number: 1.5 | write a whole number from 0 to 1000000',
    ],
    ['retry.tries = -1', 'is too small: -1 | write a whole number from 0 to 1000000'],
    ['active_limit = 0', 'is too small: 0 | write a whole number from 1 to 100000'],
  ]
  for (const [text, said] of bad)
    t.same(check(text).said, [`1: ${text.split(' ')[0]}: ${said as string}`], text)
})

t.test('a window is one number, or the first and the most', async (t) => {
  const check = checkerOf(t)
  const house = (text: string) => check(`lane.window = ${text}`).config?.lane
  t.same(house('1'), { window: 1 })
  t.same(house('1000'), { window: 1000 })
  t.same(house('[5, 20]'), { window: 20, first: 5 })
  t.same(house('[7, 7]'), { window: 7, first: 7 })
  const hint = 'write [first, most] or one number, whole ones from 1 to 1000'
  for (const [text, said] of [
    ['0', 'is too small: 0'],
    ['1001', 'is too large: 1001'],
    ['1.5', 'is not a whole number: 1.5'],
    ['"5"', 'is not a whole number: "5"'],
    ['[0, 5]', 'is too small: 0'],
    ['[5, 1001]', 'is too large: 1001'],
    ['[5]', 'has 1 numbers and not 2'],
    ['[]', 'has 0 numbers and not 2'],
    ['[1, 2, 3]', 'has 3 numbers and not 2'],
    ['[[1], 2]', 'is not a whole number: a list'],
    ['[20, 5]', 'begins above its most'],
  ] as const)
    t.same(check(`lane.window = ${text}`).said, [`1: lane.window: ${said} | ${hint}`], text)
})

t.test('rates', async (t) => {
  const check = checkerOf(t)
  const house = (text: string) => check(`lane.rate = "${text}"`).config?.lane.rate
  t.same(house('10/s'), { count: 10, per: 1000, burst: 1 })
  t.same(house('100/m burst 20'), { count: 100, per: 60_000, burst: 20 })
  t.same(house('1/d'), { count: 1, per: 86_400_000, burst: 1 })
  t.same(house('5000/s'), { count: 5000, per: 1000, burst: 500 })
  t.same(house('none'), undefined)
  const hint = 'write it as "10/s", "100/m", "100/m burst 20" (s, m, h or d), or "none"'
  for (const text of ['"10"', '"0/s"', '"1/s burst 0"', '"-1/s"', '"1/w"', '"1/ms"', '10'])
    t.same(
      check(`lane.rate = ${text}`).said,
      [`1: lane.rate: is not a rate: ${text} | ${hint}`],
      text,
    )
  t.match(check('lane.rate = "9999999/s"').said, [/is not a rate/])
})

t.test('a destination overrides its lane key by key, a window as a whole', async (t) => {
  const check = checkerOf(t)
  const crm = (house: string, own: string) => {
    const text = `[lane]\n${house}\n[destinations.crm]\ntype = "http"\nurl = "http://x"\nlane = { ${own} }`
    return only(check(text).config)?.lane
  }
  const rate = { count: 3, per: 1000, burst: 1 }
  t.same(crm('window = [2, 9]', 'rate = "3/s"'), { window: 9, first: 2, rate })
  t.same(crm('rate = "3/s"', 'window = 4'), { window: 4, rate })
  t.same(crm('rate = "3/s"', 'rate = "none"'), { window: 20, first: 5 })
  t.same(crm('window = 4', 'window = [1, 30]'), { window: 30, first: 1 })
})

t.test('ranges of addresses', async (t) => {
  const check = checkerOf(t)
  const hint = 'write a list: ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]'
  const { config } = check(`[http]
deny = ["10.0.0.0/8", "::1"]
[destinations.a]
type = "http"
url = "http://localhost/"
[destinations.b]
type = "http"
url = "http://localhost/"
http = { deny = [], allow = ["169.254.169.254", "fe80::/10"] }`)
  t.match(config?.http, { deny: ['10.0.0.0/8', '::1'], allow: [] })
  t.strictSame(only(config)?.http, config?.http, 'a destination inherits both')
  t.match((config?.destinations.get('b') as HttpDestination | undefined)?.http, {
    deny: [],
    allow: ['169.254.169.254', 'fe80::/10'],
  })
  const neither = 'is neither an address nor a range'
  const bad: Case[] = [
    ['deny = "10.0.0.0/8"', `deny: is not a list: "10.0.0.0/8" | ${hint}`],
    ['deny = ["10.0.0/8"]', `deny: "10.0.0/8" ${neither} | ${hint}`],
    ['deny = [10]', `deny: 10 is not a text | ${hint}`],
    ['allow = ["::1", "localhost"]', `allow: "localhost" ${neither} | ${hint}`],
    ['allow = ["::/129"]', `allow: "::/129" has a prefix longer than 128 | ${hint}`],
    [
      'allow = ["10.1.0.0/8"]',
      `allow: "10.1.0.0/8" has bits behind its prefix of 8 | ${hint}`,
    ],
  ]
  for (const [text, said] of bad)
    t.same(check(`[http]\n${text}`).said, [`2: http.${said as string}`], text)
})

t.test('sizes, flags and words', async (t) => {
  const check = checkerOf(t)
  const good: Case[] = [
    ['send.message_size_limit = "1GiB"', { send: { messageSizeLimit: 1024 ** 3 } }],
    ['send.message_size_limit = 1', { send: { messageSizeLimit: 1 } }],
    ['submit.shared = true', { submit: { shared: true, maxMessages: 10_000 } }],
    ['submit.max_messages = 1', { submit: { shared: false, maxMessages: 1 } }],
    ['submit.max_bytes = "1M"', { submit: { maxBytes: 1024 ** 2 } }],
    ['send.min_free = 0', { send: { minFree: 0 } }],
    ['send.min_free = "1G"', { send: { minFree: 1024 ** 3 } }],
    ['any_filesystem = true', { anyFilesystem: true }],
    ['log.level = "fatal"', { log: { level: 'fatal' } }],
    ['log.format = "text"', { log: { format: 'text' } }],
    ['log.retention = "90d"', { log: { retention: 90 * 86_400_000 } }],
    ['log.retention = "forever"', { log: { retention: Infinity } }],
  ]
  for (const [text, expected] of good) t.match(check(text).config, expected, text)
  const limit = 'write it as "10MiB", "500k" or 4096, from 1 to 1GiB'
  const bad: Case[] = [
    ['send.message_size_limit = "10 mebi"', `is not a size: "10 mebi" | ${limit}`],
    ['send.message_size_limit = 1.5', `is not a size: 1.5 | ${limit}`],
    ['send.message_size_limit = 0', `is too small: 0 | ${limit}`],
    ['send.message_size_limit = "2G"', `is too large: "2G" | ${limit}`],
    [
      'send.min_free = -1',
      'is too small: -1 | write it as "10MiB", "500k" or 4096, 0 for no minimum',
    ],
    ['any_filesystem = "yes"', 'is neither true nor false: "yes" | write it unquoted'],
    [
      'log.level = "silent"',
      'cannot be "silent" | one of trace, debug, info, warn, error, fatal',
    ],
    [
      'log.format = "txt"',
      'cannot be "txt" | did you mean "text"? It is one of auto, json, text',
    ],
    ['log.format = 1', 'cannot be 1 | one of auto, json, text'],
    [
      'spool = "~/q"',
      'begins with ~, which only a shell expands | name a directory: "/var/spool/msgq"',
    ],
    [
      'spool = "a\\u0000b"',
      'has a control character | name a directory: "/var/spool/msgq"',
    ],
  ]
  for (const [text, said] of bad)
    t.same(check(text).said, [`1: ${text.split(' ')[0]}: ${said as string}`], text)
})

t.test('an option that does not exist, and where it may have been meant', async (t) => {
  const check = checkerOf(t)
  const bad: Case[] = [
    ['activ_limit = 3', '1: activ_limit: unknown option | did you mean active_limit?'],
    ['[retri]', '1: retri: unknown option | did you mean retry?'],
    ['min = "1s"', '1: min: unknown option | it belongs into [retry]'],
    [
      '[send]\nany_filesystem = true',
      '2: send.any_filesystem: unknown option | any_filesystem stands above the first [table]',
    ],
    ['[send.log]', '1: send.log: unknown option | write it as [log]'],
    ['[lane]\npace = "1/s"', '2: lane.pace: unknown option | known here: window, rate'],
    [
      '[[rows]]',
      '1: rows: unknown option | known here: spool, any_filesystem, active_limit, send, mail, submit, listen, retry, http, lane, keys, bounce, deferred, expect, stop, log, events, routes, destinations',
    ],
    ['routes = 3', '1: routes: is no list | write [[routes]]'],
    ['[[retry]]', '1: retry: is not a table | write a table: { option = value }'],
    ['retry = "1s"', '1: retry: is not a table | write a table: { option = value }'],
    ['destinations = []', '1: destinations: is not a table | write [destinations.NAME]'],
  ]
  for (const [text, said] of bad) t.same(check(text).said, [said], text)
  const crm = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n'
  const inCrm: Case[] = [
    [
      'timeout = "1s"',
      '4: destinations.crm.timeout: unknown option | it belongs into [destinations.crm.http]',
    ],
    [
      'retry.tires = 1',
      '4: destinations.crm.retry.tires: unknown option | did you mean tries?',
    ],
    ['onn = []', '4: destinations.crm.onn: unknown option | did you mean on?'],
    [
      'auth = { baerer = { env = "X" } }',
      '4: destinations.crm.auth.baerer: unknown option | did you mean bearer?',
    ],
  ]
  for (const [text, said] of inCrm) t.equal(check(crm + text).said[0], said, text)
  t.same(check('[destinations]\ncrm = "https://crm.example/"').said, [
    '2: destinations.crm: is not a table | write [destinations.NAME] with type and url',
  ])
})

t.test('every default is one that a person may write', async (t) => {
  for (const path of optionPaths(fileTable)) {
    const value = path.reduce<unknown>(
      (table, key) => (table as Record<string, unknown>)?.[key],
      DEFAULTS,
    )
    const open = [
      'spool',
      'send.to',
      'mail',
      'bounce.notify',
      'expect',
      'routes',
      'destinations',
      'listen.http',
      'listen.tokens',
      'events.schema',
    ].includes(path.join('.'))
    t.equal(value === undefined, open, path.join('.'))
  }
})

t.test('where a destination is', async (t) => {
  const check = checkerOf(t)
  const url = (written: string) =>
    check(`[destinations.x]\ntype = "http"\nurl = ${written}`)
  for (const given of [
    'https://x.example/a?b=c',
    'http://[::1]:8080/',
    'HTTPS://X.example',
  ])
    t.equal(only(url(JSON.stringify(given)).config)?.url, given)
  t.same(only(url('{ file = "a/b" }').config)?.url, { file: 'a/b' })
  t.same(only(url('{ env = "A_1" }').config)?.url, { env: 'A_1' })
  const hint = 'write "https://..." or { file = "name" }'
  const bad: Case[] = [
    ['"crm.example/SECRET"', 'is not a URL | a URL begins with https:// or http://'],
    ['""', 'is not a URL | a URL begins with https:// or http://'],
    ['"ftp://SECRET"', 'has a scheme that msgq does not speak | use https or http'],
    ['"https://"', 'is not a valid URL'],
    ['"https://x/\\u0007SECRET"', 'has a control character or a space around it'],
    [
      '"https://u:SECRET@x/"',
      'has a user or password in the URL | auth: write { bearer = SECRET }, { basic = { user = "name", password = SECRET } } or { oauth2 = ... }',
    ],
    ['3', `is not a reference to a secret | ${hint}`],
    ['{ env = "A-B" }', `is not the name of a variable | ${hint}`],
  ]
  for (const [written, said] of bad)
    t.same(url(written).said, [`3: destinations.x.url: ${said as string}`], written)
  for (const [written] of bad)
    t.notMatch(url(written).said[0]?.split(' | ')[0], /SECRET/, 'the value is not repeated')
  t.same(check('[destinations.x]\ntype = "pigeon"\nurl = "https://x"').said, [
    `2: destinations.x.type: cannot be "pigeon" | one of ${[...KINDS.keys()].join(', ')}`,
  ])
  t.same(
    check('[destinations.x]\ntype = "htpp"\nurl = "https://x"\nulr = 1').said,
    [
      `2: destinations.x.type: cannot be "htpp" | did you mean "http"? It is one of ${[...KINDS.keys()].join(', ')}`,
      '4: destinations.x.ulr: unknown option | did you mean url?',
    ],
    'options that some type has are not held against a type that is not known',
  )
  t.same(check('[destinations.x]').said, [
    '1: destinations.x.type: is missing | write type = "http"',
    `1: destinations.x.url: is missing | url = SOMETHING: ${hint}`,
  ])
})

t.test('the name of a destination', async (t) => {
  const check = checkerOf(t)
  const named = (name: string) =>
    check(`[destinations.${name}]\ntype = "http"\nurl = "https://x"`)
  for (const name of ['a', '0', 'a-b_c', 'a'.repeat(64)])
    t.equal(only(named(name).config)?.name, name)
  for (const name of ['A', '_event', '-a', '"a.b"', '"é"', 'a'.repeat(65)])
    t.match(named(name).said, [
      /^1: destinations\.\S+: cannot be the name of a destination/,
    ])
})

t.test('method, content type and headers follow the rules of a message', async (t) => {
  const check = checkerOf(t)
  const crm = '[destinations.x]\ntype = "http"\nurl = "https://x"\n'
  const good: Case[] = [
    ['method = "PATCH"', { method: 'PATCH' }],
    [
      'content_type = "text/plain; charset=utf-8"',
      { contentType: 'text/plain; charset=utf-8' },
    ],
    ['headers = { "x-a" = "ü\\t1" }', { headers: { 'x-a': 'ü\t1' } }],
    ['headers = { x-a = { env = "A" } }', { headers: { 'x-a': { env: 'A' } } }],
    ['headers = {}', { headers: {} }],
  ]
  for (const [text, expected] of good)
    t.match(only(check(crm + text).config), expected, text)
  const bad: Case[] = [
    ['method = "post"', 'method: is not a method: "post" | write it in capitals: POST'],
    ['method = "CONNECT"', 'method: CONNECT cannot deliver a message'],
    ['method = 3', 'method: is not a text: 3'],
    ['content_type = ""', 'content_type: is empty'],
    ['content_type = "a\\nb"', 'content_type: has a control character: "a\\nb"'],
    ['headers = 3', 'headers: is not a table | write { "x-name" = "value" }'],
    ['headers = { "a b" = "" }', 'headers."a b": has a bad name: "a b"'],
    [
      'headers = { Host = "x" }',
      'headers.Host: sets Host, which belongs to msgq or to the connection',
    ],
    [
      'headers = { webhook-id = "x" }',
      'headers.webhook-id: sets webhook-id, which belongs to msgq or to the connection',
    ],
    [
      'headers = { Content-Type = "x" }',
      'headers.Content-Type: has an option of its own | content_type = "application/json"',
    ],
    [
      'headers = { x = "\\nhunter2" }',
      'headers.x: has a character that no header may have | visible characters of Latin-1, spaces and tabs',
    ],
    [
      'headers = { x = "hunter2€" }',
      'headers.x: has a character that no header may have | visible characters of Latin-1, spaces and tabs',
    ],
    [
      'headers = { x = "1", X = "2" }',
      'headers.X: stands twice | capitals make no difference in a header',
    ],
  ]
  for (const [text, said] of bad)
    t.same(check(crm + text).said, [`4: destinations.x.${said as string}`], text)
})

t.test('auth', async (t) => {
  const check = checkerOf(t)
  const crm = '[destinations.x]\ntype = "http"\nurl = "https://x"\n'
  const bearer = { kind: 'bearer', token: { file: 't' } }
  t.same(only(check(`${crm}auth.bearer.file = "t"`).config)?.auth, bearer)
  t.same(only(check(`${crm}auth = { bearer = "t" }`).config)?.auth, {
    kind: 'bearer',
    token: { inline: 't' },
  })
  const ref = 'write { file = "name" } or { env = "NAME" }'
  const one =
    'must be one of bearer, basic and oauth2 | write { bearer = SECRET }, { basic = { user = "name", password = SECRET } } or { oauth2 = ... }'
  const bad: Case[] = [
    [
      'auth = "t"',
      'auth: is not a table | write { bearer = SECRET }, { basic = { user = "name", password = SECRET } } or { oauth2 = ... }',
    ],
    ['auth = {}', `auth: ${one}`],
    [
      'auth = { bearer = { env = "T" }, basic = { user = "u", password = { env = "T" } } }',
      `auth: ${one}`,
    ],
    ['auth.bearer = ""', `auth.bearer: is empty or has a control character | ${ref}`],
    ['auth.bearer = 3', `auth.bearer: is not a reference to a secret | ${ref}`],
    ['auth.bearer = {}', `auth.bearer: must name one file or one variable | ${ref}`],
    [
      'auth.bearer = { file = "a", env = "B" }',
      `auth.bearer: must name one file or one variable | ${ref}`,
    ],
    [
      'auth.bearer = { fiel = "a" }',
      `auth.bearer: unknown option fiel | did you mean file? ${ref}`,
    ],
    ['auth.bearer = { vault = "a" }', `auth.bearer: unknown option vault | ${ref}`],
    ['auth.bearer = { file = "" }', `auth.bearer: is not the name of a file | ${ref}`],
    [
      'auth.basic = { user = "u" }',
      `auth.basic.password: is missing | password = SECRET: ${ref}`,
    ],
    [
      'auth.basic = { user = "a:b", password = { env = "P" } }',
      'auth.basic.user: has a colon or a control character | RFC 7617 allows no colon in the name of a user',
    ],
  ]
  for (const [text, said] of bad)
    t.same(check(crm + text).said, [`4: destinations.x.${said as string}`], text)
  t.same(check(`${crm}auth.bearer.env = "T"\nheaders.Authorization = { env = "T" }`).said, [
    '1: destinations.x: has both auth and a header "authorization" | leave one of them out',
  ])
})

t.test('a file to append to: file', async (t) => {
  const check = checkerOf(t)
  const head = '[destinations.x]\ntype = "file"\n'
  t.match(only(check(`${head}path = "/var/log/a"`).config), { path: '/var/log/a' })
  const hint = 'write it from / on: "/var/log/msgq/events.jsonl"'
  const bad: Case[] = [
    ['', `1: destinations.x.path: is missing | path = FILE: ${hint}`],
    ['path = "a"', `3: destinations.x.path: is not an absolute path | ${hint}`],
    ['path = "/a/"', `3: destinations.x.path: names a directory | ${hint}`],
    ['path = "/a\\u0000"', `3: destinations.x.path: has a control character | ${hint}`],
    [
      'path = "/a"\ncommand = ["a"]',
      '4: destinations.x.command: belongs to type "exec" and not to "file" | known here: type, path, content_type, retry, lane, on_timeout, ordered, order_wait, enabled, schema, fallback',
    ],
  ]
  for (const [text, said] of bad) t.same(check(head + text).said, [said], text)
})

t.test('a mail to send: smtp', async (t) => {
  const check = checkerOf(t)
  const head = '[destinations.x]\ntype = "smtp"\nhost = "mx.example"\n'
  const rest = 'from = "a@b.example"\nrecipients = ["c@d.example", "root"]\n'
  const plain = { host: 'mx.example', port: 587, tls: 'starttls', timeout: 60_000 }
  t.match(only(check(head + rest).config), plain)
  t.match(only(check(`${head}${rest}tls = "implicit"`).config), { port: 465 })
  t.match(only(check(`${head}${rest}tls = "none"`).config), { port: 25 })
  const auth = 'auth = { user = "u", password = { env = "P" } }\n'
  t.match(only(check(`${head}${rest}${auth}port = 2525`).config), {
    port: 2525,
    auth: { user: 'u', password: { env: 'P' } },
  })
  const local = head.replace('mx.example', 'localhost')
  t.ok(check(`${local}${rest}${auth}tls = "none"`).config)
  const list = 'write a list of addresses: ["ann@example.com"]'
  const address = 'write "msgq@example.com" or "Name <msgq@example.com>"'
  const bad: Case[] = [
    [
      `${rest}${auth}tls = "none"`,
      '1: destinations.x: would send its password in the clear | leave out tls = "none"',
    ],
    [
      `${rest}tls = "ssl"`,
      '6: destinations.x.tls: cannot be "ssl" | one of starttls, implicit, none',
    ],
    [
      rest.replace('a@b', 'a@b\\r\\nX: y@b'),
      `4: destinations.x.from: is no address | ${address}`,
    ],
    [
      rest.replace('"root"', '"a@b>, c"'),
      `5: destinations.x.recipients: has what is no address: "a@b>, c" | ${list}`,
    ],
    [
      rest.replace(/\[.*\]/, '[]'),
      `5: destinations.x.recipients: is no list of addresses: a list | ${list}`,
    ],
  ]
  for (const [text, said] of bad) t.same(check(head + text).said, [said], text)
})

t.test('a program to start: exec', async (t) => {
  const check = checkerOf(t)
  const head = '[destinations.x]\ntype = "exec"\n'
  const command = 'command = ["/bin/a"]\n'
  t.match(only(check(head + command).config), {
    type: 'exec',
    command: ['/bin/a'],
    directory: '/',
    environment: {},
    timeout: 30_000,
  })
  t.match(
    only(
      check(
        `${head}command = ["a", "b c", ""]\ntimeout = "5m"\ndirectory = "/srv"\nenvironment = { A = "1", B_KEY = "k", C = { env = "C" } }`,
      ).config,
    ),
    {
      command: ['a', 'b c', ''],
      timeout: 300_000,
      directory: '/srv',
      environment: { A: '1', B_KEY: { inline: 'k' }, C: { env: 'C' } },
    },
  )
  const hint = 'write ["/usr/local/bin/program", "argument"]; no shell looks at it'
  const bad: Case[] = [
    ['', `1: destinations.x.command: is missing | command = LIST: ${hint}`],
    ['command = "a b"', `3: destinations.x.command: is not a list: "a b" | ${hint}`],
    ['command = []', `3: destinations.x.command: names no program | ${hint}`],
    ['command = ["a", 1]', `3: destinations.x.command: is not a text: 1 | ${hint}`],
    ['command = ["./a"]', `3: destinations.x.command: is a relative path: "./a" | ${hint}`],
    [
      `${command}directory = "srv"`,
      '4: destinations.x.directory: is not an absolute path | write it from / on',
    ],
    [
      `${command}environment = { "A-B" = "" }`,
      '4: destinations.x.environment.A-B: is not the name of a variable',
    ],
    [
      `${command}environment.MSGQ_ID = "x"`,
      '4: destinations.x.environment.MSGQ_ID: is taken: names with MSGQ_ say what message it is',
    ],
    [
      `${command}url = "https://x"`,
      '4: destinations.x.url: belongs to type "http" and not to "exec" | known here: type, command, directory, environment, timeout, content_type, retry, lane, on_timeout, ordered, order_wait, enabled, schema, fallback',
    ],
    [
      `${command}http = { timeout = "1s" }`,
      '4: destinations.x.http: belongs to type "http" and not to "exec" | known here: type, command, directory, environment, timeout, content_type, retry, lane, on_timeout, ordered, order_wait, enabled, schema, fallback',
    ],
    [
      `${command}comand = 1`,
      '4: destinations.x.comand: unknown option | did you mean command?',
    ],
  ]
  for (const [text, said] of bad) t.same(check(head + text).said, [said], text)
})

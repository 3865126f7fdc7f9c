/**
 * rules - what may stand in `on`, what it comes to, and what is said of what may not.
 */
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { checkConfig, loadConfig } from '../../src/config/load.ts'
import { machine, put } from './machine.ts'

const HEAD = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n'

function place(t: Test, on: string) {
  const dir = t.testdir()
  return { dir, config: put(join(dir, 'msgq.toml'), `${HEAD}on = ${on}\n`) }
}

function rulesOf(t: Test, on: string) {
  const { dir, config } = place(t, on)
  const crm = loadConfig(machine(dir), { config }).destinations.get('crm')!
  return (crm as { on?: unknown }).on
}

t.test('every form of a rule', async (t) => {
  const rules = rulesOf(
    t,
    `[
  { status = 404, then = "hold" },
  { status = [401, "403", "5xx", "600-699"], then = "suspend", why = "the key is old" },
  { header = { "X-Error" = "quota", x-code = { matches = "^4" } }, then = "bounce", fault = "message" },
  { body = "rate limit", then = "defer", after = "1h", lane = true },
  { body = ["a", "b"], then = "deliver" },
  { json = { ok = false, error.code = [131056, "x"], "a.b".c = true }, then = "defer", after = { json = "parameters.retry_after" } },
  { json = { "errors[*]" = { exists = false }, e = { contains = "X", equals = 1 } }, then = "defer", after = { header = "X-Retry", unit = "ms" } },
  { then = "bounce" },
]`,
  )
  const by = 'rule'
  t.strictSame(rules, [
    { status: [[404, 404]], by, verdict: 'hold' },
    {
      status: [
        [401, 401],
        [403, 403],
        [500, 599],
        [600, 699],
      ],
      why: 'the key is old',
      by,
      verdict: 'suspend',
    },
    {
      headers: [
        ['x-error', { equals: ['quota'] }],
        ['x-code', { matches: ['^4'] }],
      ],
      fault: 'message',
      by,
      verdict: 'bounce',
    },
    {
      body: { contains: ['rate limit'] },
      after: { ms: 3_600_000 },
      lane: true,
      by,
      verdict: 'defer',
    },
    { body: { contains: ['a', 'b'] }, by, verdict: 'deliver' },
    {
      json: [
        [['ok'], { equals: [false] }],
        [['error', 'code'], { equals: [131056, 'x'] }],
        [['a', 'b', 'c'], { equals: [true] }],
      ],
      after: { json: ['parameters', 'retry_after'], unit: 1_000 },
      by,
      verdict: 'defer',
    },
    {
      json: [
        [['errors', null], { exists: false }],
        [['e'], { equals: [1], contains: ['X'] }],
      ],
      after: { header: 'x-retry', unit: 1 },
      by,
      verdict: 'defer',
    },
    { by, verdict: 'bounce' },
  ])
})

t.test('what cannot stand is said with its place, and what may', async (t) => {
  for (const [on, why, hint] of [
    ['{ status = 404 }', /on: is not a list of rules: a table/, /write \[\{/],
    ['[404]', /on\.0: is not a rule: 404/, /write/],
    ['[{ status = 404 }]', /on\.0\.then: is missing/, /deliver, defer, bounce/],
    ['[{ then = "suspnd" }]', /on\.0\.then: cannot be "suspnd"/, /did you mean "suspend"/],
    ['[{ stauts = 1, then = "hold" }]', /on\.0\.stauts: unknown/, /did you mean status/],
    ['[{ status = 99, then = "hold" }]', /on\.0\.status: is not a status: 99/, /"4xx"/],
    ['[{ status = [200, "x"], then = "hold" }]', /on\.0\.status\.1: .*"x"/, /500-599/],
    ['[{ status = "599-500", then = "hold" }]', /is not a status/, /"4xx"/],
    ['[{ status = [], then = "hold" }]', /is an empty list/, /"4xx"/],
    ['[{ header = "x", then = "hold" }]', /on\.0\.header: is not a table/, /x-name/],
    ['[{ header = { "a b" = "" }, then = "hold" }]', /is not the name of a header/, /^$/],
    ['[{ body = { matches = "(" }, then = "hold" }]', /body\.matches: is not a pat/, /RE2/],
    ['[{ body = { has = "x" }, then = "hold" }]', /body\.has: unknown option/, /equals/],
    ['[{ body = {}, then = "hold" }]', /body: is an empty table/, /exists/],
    ['[{ body = [[1]], then = "hold" }]', /body: cannot be a list/, /exists/],
    ['[{ json = {}, then = "hold" }]', /json: is an empty table/, /error\.code/],
    ['[{ json = { "a..b" = 1 }, then = "hold" }]', /"a\.\.b": is not a path/, /errors\[0/],
    ['[{ after = "1h", then = "hold" }]', /after: means nothing with then = "hold"/, /de/],
    ['[{ after = "1y", then = "defer" }]', /after: is not a span of time: "1y"/, /"10m"/],
    ['[{ after = "31d", then = "defer" }]', /after: is more than 30d/, /"10m"/],
    ['[{ after = { jsn = "a" }, then = "defer" }]', /after: unknown option jsn/, /json/],
    ['[{ after = { json = "a." }, then = "defer" }]', /after: json is not a path/, /json/],
    ['[{ lane = 1, then = "defer" }]', /lane: is neither true nor false/, /unquoted/],
    ['[{ fault = "me", then = "defer" }]', /fault: cannot be "me"/, /receiver, network/],
    ['[{ why = "", then = "defer" }]', /why: is not one line/, /^$/],
    ['[{ then = "hold" }, { then = "hold" }]', /on\.1: is never asked/, /^$/],
  ] as const) {
    const { dir, config } = place(t, on)
    const { problems } = checkConfig(machine(dir), { config })
    t.match(problems[0]?.message, why, on)
    t.match(problems[0]?.hint ?? '', hint, on)
  }
})

t.test('the line is that of the rule', async (t) => {
  const { dir, config } = place(
    t,
    '[\n  { then = "defer", status = 404 },\n  { then = 1 },\n]',
  )
  const { problems } = checkConfig(machine(dir), { config })
  t.match(problems, [{ line: 6, message: /on\.1\.then: cannot be 1/ }])
})

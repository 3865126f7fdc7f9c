/**
 * msgq-toml - etc/msgq.toml says every option, each with its true default, and nothing else.
 *
 * In it a line `#name = value` is an option; prose begins with `# `.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { parse } from 'smol-toml'
import t from 'tap'

import { commonEntries } from '../../src/config/common.ts'
import { DEFAULTS } from '../../src/config/defaults.ts'
import { KINDS } from '../../src/config/kinds.ts'
import { loadConfig } from '../../src/config/load.ts'
import { fileTable, optionPaths } from '../../src/config/options.ts'
import { routeTable } from '../../src/config/routes.ts'
import { PRESETS } from '../../src/config/presets/all.ts'
import { isTable } from '../../src/config/toml.ts'
import { machine, put } from './machine.ts'

const TEXT = readFileSync(resolve(import.meta.dirname, '../../etc/msgq.toml'), 'utf8')
const UNCOMMENTED = TEXT.replace(/^#(?=\S)/gm, '')

/** Options that have no default that one could write; what stands there is a sample. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  spool: '/var/spool/msgq',
  'send.to': 'crm',
  'listen.http': '127.0.0.1:8025',
  'listen.tokens': { file: 'tokens' },
  'bounce.notify': 'ops',
  expect: [{ event: 'backup.ok', every: '26h', notify: 'ops' }],
  'events.schema': { 'user.*': 'user.json' },
  mail: { root: 'ops', default: 'ops', 'ann@example.com': 'crm,ops' },
  routes: [
    {
      event: ['user.*', 'invoice.paid'],
      to: ['crm', 'ops'],
      filter: 'user.role == "admin" and not user.email ends with "@example.com"',
      template: '{ "text": "{{user.name}} is new ({{event}})" }',
    },
  ],
}

const schema = optionPaths(fileTable).filter(([first]) => first !== 'destinations')

function at(table: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isTable(inner) ? inner[key] : undefined),
    table,
  )
}

/** The options that are said; what stands below one is its value. */
function leaves(table: unknown, path: readonly string[] = []): string[] {
  const isOption = schema.some((each) => each.join('.') === path.join('.'))
  return isTable(table) && !isOption
    ? Object.entries(table).flatMap(([key, inner]) => leaves(inner, [...path, key]))
    : [path.join('.')]
}

t.test('every option stands there with its default, and nothing else does', async (t) => {
  const { destinations, ...house } = parse(UNCOMMENTED)
  t.ok(isTable(destinations))
  for (const path of schema) {
    const name = path.join('.')
    t.same(at(house, path), at(DEFAULTS, path) ?? SAMPLES[name], name)
  }
  const names = schema.map((path) => path.join('.'))
  t.same(leaves(house).toSorted(), names.toSorted())
})

t.test('the samples say every option that a destination may have', async (t) => {
  const { destinations } = parse(UNCOMMENTED)
  const samples = Object.values(destinations as object)
  // Of the tables that it inherits a destination shows one option, as a sample; what every
  // type has it shows once.
  const inherited = /^(retry|http|lane)\./
  for (const [type, { table, defaults }] of KINDS) {
    const own = samples.filter((sample) => at(sample, ['type']) === type)
    const said = new Set<string>()
    for (const path of optionPaths(table)) {
      // A service has what type "http" has, and shows what it has beside it.
      const isShared =
        Object.hasOwn(commonEntries, path[0]!) || (PRESETS.has(type) && isHttp(path))
      const inAny = isShared ? samples : own
      if (inAny.some((sample) => at(sample, path) !== undefined)) said.add(path.join('.'))
    }
    t.ok(own.length > 0, type)
    const its = PRESETS.get(type)?.defaults
    // Of what a service knows itself its sample shows what is worth to be changed.
    const worth = Object.entries(its ?? defaults).filter(
      ([option]) => its === undefined || at(own[0], [option]) !== undefined,
    )
    for (const [option, value] of worth)
      t.same(at(own[0], [option]), value, `${type}: ${option}`)
    for (const path of optionPaths(table)) {
      const name = path.join('.')
      const inside = inherited.exec(name)?.[1]
      const isSaid = [...said].some(
        (each) => each === name || (inside && each.startsWith(inside)),
      )
      t.ok(isSaid, `${type}: ${name}`)
    }
  }
  const { routes } = parse(UNCOMMENTED) as { routes: object[] }
  t.same(Object.keys(routes[0]!), optionPaths(routeTable).flat(), 'and a route')
})

function isHttp(path: readonly string[]): boolean {
  const name = path.join('.')
  return optionPaths(KINDS.get('http')!.table).some((each) => each.join('.') === name)
}

t.test('as it is delivered it changes nothing', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), TEXT)
  const { files, revision, ...loaded } = loadConfig(machine(dir), { config })
  const { files: none, ...defaults } = loadConfig(machine(dir), {})
  t.same(loaded, defaults)
  t.same([none, files], [[], [config]])
  t.type(revision, 'string')
})

t.test('with every line uncommented it loads', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), UNCOMMENTED)
  for (const schema of ['crm.json', 'user.json']) put(join(dir, schema), '{}')
  const loaded = loadConfig(machine(dir), { config })
  for (const name of ['crm', 'archive', 'mail', 'events', 'ops', 'shop'])
    t.ok(loaded.destinations.has(name), name)
  t.same(loaded.warnings, [], 'the samples are good examples')
  const none = loadConfig(machine(dir), {})
  for (const name of ['retry', 'http', 'lane', 'stop', 'log', 'activeLimit'] as const)
    t.same(loaded[name], none[name], name)
})

t.test('it opens with how to check and how to apply it', async (t) => {
  const [first, second, third, fourth] = TEXT.split('\n')
  t.match(first, /^# msgq\.toml\b/)
  t.match(second, /^# Check .* msgq check\b/)
  t.match(third, /^# Apply .* msgq reload\b/)
  t.equal(fourth, '')
})

t.test('every option is explained', async (t) => {
  const lines = TEXT.split('\n')
  // Three overrides in a row have one explanation.
  const shared = /^#(http|lane|url|auth|type|default|every|notify|"ann@example\.com") = /
  // A service's sample is explained as a whole.
  const services = lines.findIndex((line) => line.startsWith('# Services. '))
  lines.forEach((line, index) => {
    if (!/^#\S/.test(line) || shared.test(line)) return
    if (index > services && !line.startsWith('#[')) return
    t.match(lines[index - 1], /^# \S/, line)
  })
})

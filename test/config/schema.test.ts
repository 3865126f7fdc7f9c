/**
 * schema - the schemas of a configuration: where they are found, what is wrong with them, and
 * what a sender learns of them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { publishLimits, readLimits } from '../../src/config/limits.ts'
import { checkConfig } from '../../src/config/load.ts'
import { showConfig } from '../../src/config/show.ts'
import { checkFit, misfitIn } from '../../src/intake/fit.ts'
import { termsIn } from '../../src/intake/terms.ts'
import { machine, put } from './machine.ts'

function checkerOf(t: Test, files: Readonly<Record<string, string>>) {
  const dir = t.testdir()
  for (const [name, text] of Object.entries(files)) put(join(dir, name), text)
  const check = (text: string) => {
    const config = put(join(dir, 'msgq.toml'), `spool = "q"\n${text}`)
    const { config: made, problems, warnings } = checkConfig(machine(dir), { config })
    const plain = (line: string) => line.replaceAll(`${dir}/`, '')
    const said = problems.map(({ message, hint = '' }) => plain(`${message} | ${hint}`))
    return { config: made, said, warnings: warnings.map(plain) }
  }
  return { dir, check }
}

const to = (name: string, more: string) =>
  `[destinations.${name}]\ntype = "file"\npath = "/tmp/${name}"\n${more}\n`

t.test('found beside the file that names it, compiled, and published', async (t) => {
  const { dir, check } = checkerOf(t, {
    'chat.json': '\uFEFF{ "type": "object",\n "required": ["text"] }',
    'conf.d/ops.toml': to('ops', 'schema = "schemas/ops.json"'),
    'conf.d/schemas/ops.json': '{"type":"array"}',
    'user.json': '{"required":["user"]}',
  })
  const { config, said, warnings } = check(
    to('chat', 'schema = "chat.json"') +
      to('plain', '') +
      '[events.schema]\n"user.*" = "user.json"\n"*" = "chat.json"\n',
  )
  t.same([said, warnings], [[], []])
  const chat = {
    file: join(dir, 'chat.json'),
    text: '{"type":"object","required":["text"]}',
  }
  t.same(config!.destinations.get('chat')!.schema, chat)
  t.equal(config!.destinations.get('plain')!.schema, undefined)
  t.match(config!.destinations.get('ops')!.schema, { text: '{"type":"array"}' })
  t.match(config!.events, {
    unrouted: 'bounce',
    schemas: [{ event: 'user.*' }, { event: '*' }],
  })

  mkdirSync(join(dir, 'q/run'), { recursive: true })
  await publishLimits(join(dir, 'q'), config!, 0)
  const limits = readLimits(join(dir, 'q'))!
  t.same(limits.destinations.get('chat')!.schema, chat)
  for (const terms of [termsIn(config!), limits]) {
    const refused = (draft: object, body: string) =>
      misfitIn(draft, Buffer.from(body), terms)
    t.equal(refused({ to: 'chat' }, '{"text":1}'), undefined)
    t.equal(
      refused({ to: 'chat' }, '{}'),
      'body: /text: is missing (the schema of chat says so: chat.json)',
    )
    t.match(refused({ to: 'chat' }, ''), /^body: is no JSON: is empty/)
    t.match(refused({ to: 'chat' }, 'hunter2'), /^body: is no JSON: cannot be parsed/)
    t.equal(refused({ to: 'plain' }, 'hello'), undefined)
    t.equal(refused({ to: 'https://a.example/' }, 'hello'), undefined)
    t.equal(refused({ to: 'toString' }, 'hello'), undefined)
    t.match(
      refused({ event: 'user.x' }, '{"text":1}'),
      /^body: \/user: .* of event user.x says/,
    )
    t.match(
      refused({ event: 'user.x' }, '{"user":1}'),
      /^body: \/text: /,
      'all that fit hold',
    )
    t.equal(refused({ event: 'a' }, '{"text":1}'), undefined)
    // A child of an event is looked at when it goes out.
    t.match(refused({ to: 'ops', event: 'user.x' }, '{}'), /wants a list/)
    t.throws(() => checkFit({ to: 'chat' }, Buffer.from([0xff]), terms), /is not UTF-8/)
    t.throws(() => checkFit({ to: 'chat' }, Buffer.from('hunter2'), terms), /hunter2/)
  }
  const rows = showConfig(machine(dir), { config: join(dir, 'msgq.toml') })
  t.match(
    rows.find(({ option }) => option === 'events.schema'),
    { value: /"user\.\*" = "user\.json"/, where: /msgq\.toml:10$/ },
  )
})

t.test('without a body, by a method that has none', (t) => {
  const { check } = checkerOf(t, { 's.json': '{"type":"object"}' })
  const url = 'url = "https://a.example/"\nschema = "s.json"\n'
  const { config } = check(
    `[destinations.a]\ntype = "http"\n${url}[destinations.b]\ntype = "http"\nmethod = "DELETE"\n${url}`,
  )
  const refused = (draft: object, body: string) =>
    misfitIn(draft, Buffer.from(body), termsIn(config!)) !== undefined
  t.equal(refused({ to: 'a' }, ''), true)
  t.equal(refused({ to: 'a', method: 'GET' }, ''), false)
  t.equal(refused({ to: 'b' }, ''), false)
  t.equal(refused({ to: 'b' }, '3'), true)
  t.equal(refused({ to: 'b', method: 'PUT' }, ''), true)
  t.end()
})

t.test('what is wrong, in which file, and where in it', (t) => {
  const { check } = checkerOf(t, {
    'torn.json': '{"type":',
    'type.json': '{"properties":{"age":{"type":"nubmer"}}}',
    'list.json': '[]',
    'remote.json': '{"$ref":"https://no.example/x.json"}',
    'latin.json': '"\xe9"',
    'typo.json': '{"requried":["a"],"properties":{"a":{"format":"zip"}}}',
    'huge.json': `{"title":"${'x'.repeat(300_000)}"}`,
    'good.json': 'true',
  })
  const bad: [option: string, why: RegExp][] = [
    ['"none.json"', /^msgq\.toml:5: destinations\.a\.schema: none\.json: no such file/],
    ['"."', /^msgq\.toml:5: .*directory/],
    ['"torn.json"', /^msgq\.toml:5: .*: torn\.json: is no JSON: /],
    ['"type.json"', /torn|: type\.json: \/properties\/age\/type: wants one of .* "nubmer"/],
    ['"list.json"', /: list\.json: is no schema/],
    [
      '"remote.json"',
      /: remote\.json: \$ref: names another document, and none is fetched.*\$defs/,
    ],
    ['"huge.json"', /: huge\.json: is over 256KiB/],
    ['""', /schema: names no file \| write the name of a file/],
    ['{ file = "good.json" }', /schema: is not a text.* \| write the name of a file/],
  ]
  for (const [option, why] of bad) {
    const { said, config } = check(to('a', `schema = ${option}`))
    t.equal(said.length, 1, option)
    t.match(said[0], why)
    t.equal(config, undefined)
  }
  const events: [text: string, why: RegExp][] = [
    [
      '[events]\nschema = "good.json"',
      /^msgq\.toml:3: events\.schema: is not a table \| write/,
    ],
    ['[events.schema]\na = 3', /^msgq\.toml:3: events\.schema\.a: is not a text/],
    [
      '[events.schema]\n"a.*" = "torn.json"',
      /^msgq\.toml:3: events\.schema\."a\.\*": torn\.json/,
    ],
  ]
  for (const [text, why] of events) t.match(check(text).said, [why])
  const { said, warnings } = check(to('a', 'schema = "typo.json"'))
  t.same(said, [])
  t.same(warnings, [
    'msgq.toml:5: destinations.a.schema: typo.json: "zip" is no format that is known, and asks for nothing',
    'msgq.toml:5: destinations.a.schema: typo.json: "requried" is no keyword, and asks for nothing',
  ])
  t.end()
})

import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { checkConfig } from '../../src/config/load.ts'
import { machine, put } from './machine.ts'

const TWO = ['crm', 'ops']
  .map(
    (name) => `[destinations.${name}]\ntype = "http"\nurl = "https://${name}.example/"\n`,
  )
  .join('')

function checkerOf(t: Test, parts: Readonly<Record<string, string>> = {}) {
  const dir = t.testdir()
  for (const [name, text] of Object.entries(parts)) put(join(dir, name), text)
  return (text: string) => {
    const config = put(join(dir, 'msgq.toml'), `${TWO}${text}`)
    const { config: made, problems } = checkConfig(machine(dir), { config })
    const said = problems.map(({ message, hint = '' }) =>
      `${message.replaceAll(`${dir}/`, '')} | ${hint}`.replace('msgq.toml:', ''),
    )
    return { routes: made?.routes, unrouted: made?.events.unrouted, said }
  }
}

t.test('routes of all files, in their order', async (t) => {
  const part = '[[routes]]\nevent = "b"\nto = "ops"\ntemplate = { file = "t.mustache" }\n'
  const check = checkerOf(t, { 'conf.d/a.toml': part, 'conf.d/t.mustache': '{"a":1}' })
  const { routes, unrouted, said } = check(
    '[[routes]]\nevent = ["a", "user.*", "a"]\nto = ["crm", "ops"]\nfilter = "x exists"\n' +
      '[[routes]]\nevent = "known"\nto = []\n[events]\nunrouted = "drop"\n',
  )
  t.same(said, [])
  t.equal(unrouted, 'drop')
  t.match(routes, [
    {
      name: 'routes.0',
      events: ['a', 'user.*'],
      to: ['crm', 'ops'],
      filter: { kind: 'exists', path: ['x'] },
      where: /msgq\.toml:7$/,
    },
    { name: 'routes.1', events: ['known'], to: [] },
    { name: 'routes.2', to: ['ops'], template: '{"a":1}', where: /conf\.d\/a\.toml:1$/ },
  ])
})

t.test('what is wrong with a route, where, and what to do', async (t) => {
  const check = checkerOf(t)
  const route = (more: string) => `[[routes]]\nevent = "a"\nto = "crm"\n${more}\n`
  const bad: [text: string, said: string | RegExp][] = [
    ['[[routes]]\nto = "crm"', /^7: routes\.0\.event: is missing \| write "user\.created"/],
    ['[[routes]]\nevent = []\nto = "crm"', /^8: routes\.0\.event: is an empty list/],
    ['[[routes]]\nevent = "a"\nto = 3', /^9: routes\.0\.to: is not a text: 3 \|/],
    [
      '[[routes]]\nevent = "a"\nto = ["crm", "opz"]',
      '9: routes.0.to: no such destination: "opz" | did you mean ops?',
    ],
    [route('filtre = "x"'), '10: routes.0.filtre: unknown option | did you mean filter?'],
    [
      route('filter = "user.role = 1"'),
      /^10: routes\.0\.filter: character 11: "=" is written == \| near user\.role = 1; write/,
    ],
    [route('filter = 3'), /^10: routes\.0\.filter: is not a text: 3/],
    [
      route('template = 3'),
      /^10: routes\.0\.template: is no template: 3 \| write its text/,
    ],
    [route('template = "{{a"'), /^10: routes\.0\.template: Unclosed tag \(character 3\)/],
    [route('template = "{{> a}}"'), /template: \{\{> a\}\}: there are no partials/],
    [
      route(`template = '{"a": {{x}}'`),
      /^10: routes\.0\.template: makes no JSON for crm: /,
    ],
    [route('template = "plain {{x}}"'), /makes no JSON for crm/],
    [route('template = { file = "none" }'), /template: none: no such file or directory/],
    [
      '[events]\nunrouted = "drip"',
      /^8: events\.unrouted: cannot be "drip" \| did you mean/,
    ],
  ]
  for (const [text, said] of bad) t.match(check(text).said, [said], text)
  for (const text of [
    `template = '{"a": "{{x}}", "b": {{n}}}'`,
    `template = '[{{#items}}{{.}},{{/items}}0]'`,
    `template = '{{^a}}{ "b": 1 }{{/a}}{{#a}}{ "a": 1 }{{/a}}'`,
    `template = '{ {{{pairs}}} }'`,
    `template = '{"one of both": {{x}}{{y}}}'`,
    `template = '{"a": "\\u{{hex}}"}'`,
  ])
    t.same(check(route(text)).said, [], text)
})

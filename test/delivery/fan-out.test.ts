/**
 * fan-out, render - what becomes of an event, and what goes out to each of its receivers, by a
 * configuration as an operator writes it.
 */
import t from 'tap'
import type { Test } from 'tap'

import { loadConfig } from '../../src/config/load.ts'
import { fanOut } from '../../src/delivery/fan-out.ts'
import { render } from '../../src/delivery/render.ts'
import { routingOf } from '../../src/delivery/routing.ts'
import type { Body } from '../../src/message/body.ts'
import { machine, put } from '../config/machine.ts'
import { leaseOf } from './support.ts'

const NOW = Date.parse('2026-11-20T12:00:00.000Z')
const CLOCK = { now: () => NOW, monotonic: () => NOW }

const TOML = `
[destinations.crm]
type = "http"
url = "https://crm.example/"
[destinations.chat]
type = "slack"
url = "https://hooks.slack.example/x"
[destinations.own]
type = "slack"
url = "https://hooks.slack.example/y"
content_type = "application/json"
[destinations.plain]
type = "http"
url = "https://plain.example/"
content_type = "text/plain"
`

const FILTERS = `
[[routes]]
event = "user.*"
to = "crm"
filter = 'role == "admin"'
[[routes]]
event = "*"
to = ["plain"]
filter = 'not (level exists)'
`

function configOf(t: Test, routes: string) {
  const folder = t.testdir()
  const file = put(`${folder}/msgq.toml`, `${TOML}${routes}`)
  return loadConfig(machine(folder), { config: file })
}

const bodyOf = (text: string): Body => ({ kind: 'bytes', bytes: Buffer.from(text) })

/** What becomes of an event with this body, and what the daemon says of it. */
async function fate(t: Test, routes: string, text: string, event = 'user.created') {
  const { to: _, ...envelope } = { ...leaseOf().envelope, event }
  const lease = leaseOf({}, { envelope, lane: '_event' })
  const said: unknown[] = []
  const settlement = await fanOut(lease, routingOf(configOf(t, routes)).events, {
    claims: { readBody: async () => bodyOf(text) },
    clock: CLOCK,
    log: { write: (level, fields, message) => said.push({ level, fields, message }) },
  })
  return { settlement, said }
}

void t.test('an event goes to each destination of the routes that take it', async (t) => {
  const { settlement, said } = await fate(t, FILTERS, '{"role":"admin"}')
  t.strictSame(settlement, { to: 'expanded', destinations: ['crm', 'plain'] })
  t.match(said, [{ level: 'info', fields: { event: 'expanded', to: 'user.created' } }])
  const one = await fate(t, FILTERS, '{"role":"admin","level":1}')
  t.strictSame(one.settlement, { to: 'expanded', destinations: ['crm'] })
})

void t.test('one that no route takes bounces, with the facts', async (t) => {
  const bounced: [routes: string, body: string, event: string, why: string][] = [
    ['', '{}', 'user.created', 'no route for event "user.created"'],
    [
      FILTERS,
      '{"role":"guest","level":"x"}',
      'user.created',
      'no route takes event "user.created": routes.0: role is "guest"; routes.1: level is "x"',
    ],
    [
      FILTERS,
      '{"level":null}',
      'job.done',
      'no route takes event "job.done": routes.1: level is null',
    ],
  ]
  for (const [routes, body, event, reason] of bounced) {
    const { settlement, said } = await fate(t, routes, body, event)
    const at = new Date(NOW).toISOString()
    t.strictSame(settlement, { to: 'bounced', line: { at, act: 'refused', reason } })
    t.match(said, [{ level: 'error', fields: { event: 'refused', to: event, reason } }])
  }
  const none = await fate(t, FILTERS, 'no JSON', 'job.done')
  t.match(none.settlement, {
    to: 'bounced',
    line: { reason: /routes\.1: the body is no JSON/ },
  })
})

void t.test(
  'or is dropped where the house says so, or where it is to go nowhere',
  async (t) => {
    const dropping = `${FILTERS}[events]\nunrouted = "drop"\n`
    const { settlement, said } = await fate(t, dropping, '{"level":1}')
    t.strictSame(settlement, { to: 'expanded', destinations: [] })
    t.match(said, [
      { level: 'info', fields: { event: 'dropped', reason: /role is not there/ } },
    ])
    const nowhere = await fate(t, '[[routes]]\nevent = "user.*"\nto = []\n', '{}')
    t.strictSame(nowhere.settlement, { to: 'expanded', destinations: [] })
    t.match(nowhere.said, [
      { fields: { event: 'dropped', reason: 'its routes lead nowhere' } },
    ])
  },
)

void t.test(
  'a body that cannot be read now waits, uncharged; one that is gone is not ours',
  async (t) => {
    const { to: _, ...envelope } = { ...leaseOf().envelope, event: 'a' }
    const lease = leaseOf({}, { envelope, lane: '_event' })
    const routing = { routes: [], unrouted: 'bounce' as const }
    const asked = (readBody: () => Promise<Body | undefined>) =>
      fanOut(lease, routing, {
        claims: { readBody },
        clock: CLOCK,
        log: { write: () => t.fail('it says nothing') },
      })
    const trouble = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    t.match(await asked(async () => Promise.reject(trouble)), {
      to: 'postponed',
      due: NOW + 60_000,
      passed: true,
      line: { reason: /^body cannot be read: / },
    })
    t.equal(await asked(async () => undefined), undefined)
  },
)

/** What goes out to a destination for an event with this body. */
async function sent(t: Test, routes: string, to: string, text: string, draft = {}) {
  const config = configOf(t, routes)
  const { envelope } = leaseOf({ to, ...draft })
  const made = await render(
    { ...envelope, event: 'user.created' },
    bodyOf(text),
    config.destinations.get(to)!,
    config.routes,
  )
  if (made?.kind !== 'rendered') return made
  if (made.body.kind !== 'bytes') throw new Error('not bytes')
  return { type: made.contentType, text: Buffer.from(made.body.bytes).toString() }
}

const route = (to: string, more = '') =>
  `[[routes]]\nevent = "user.*"\nto = "${to}"\n${more}\n`

void t.test('a template makes what its destination takes', async (t) => {
  const template = route('crm', `template = '{"n":"{{n}}"}'`)
  const name = '{"n":"a\\"<b"}'
  t.strictSame(await sent(t, template, 'crm', name), {
    type: 'application/json',
    text: '{"n":"a\\"<b"}',
  })
  t.match(await sent(t, route('chat', `template = 'new: {{n}}'`), 'chat', name), {
    type: /^text\/plain/,
    text: 'new: a"<b',
  })
  t.match(await sent(t, route('own', `template = '{"text":"{{n}}"}'`), 'own', name), {
    type: 'application/json',
    text: '{"text":"a\\"<b"}',
  })
  t.equal(await sent(t, route('crm'), 'crm', 'as it is'), undefined)
})

void t.test('without one its JSON is a text to a service', async (t) => {
  const json = { contentType: 'application/json' }
  const body = '{"n":1}'
  const text = { type: /^text\/plain/, text: body }
  t.match(await sent(t, route('chat'), 'chat', body, json), text)
  const other = `${route('chat', `filter = 'n == 2'\ntemplate = 'x'`)}${route('chat')}`
  t.match(await sent(t, other, 'chat', body, json), text)
  t.equal(await sent(t, route('own'), 'own', body, json), undefined, 'it says so')
  t.equal(await sent(t, route('crm'), 'crm', body, json), undefined)
  t.equal(await sent(t, route('chat'), 'chat', body), undefined, 'a text already')
})

void t.test('what cannot be made is held, with the reason', async (t) => {
  const template = route('crm', `template = '{"n":{{{n}}}}'`)
  t.strictSame(await sent(t, template, 'crm', '{"n":3}'), {
    type: 'application/json',
    text: '{"n":3}',
  })
  t.match(await sent(t, template, 'crm', '{"n":"3 apples"}'), {
    kind: 'held',
    fault: 'configuration',
    reason: /^routes\.0 \(.*msgq\.toml:\d+\): its template makes no JSON: /,
  })
  t.match(await sent(t, template, 'crm', 'plain'), {
    kind: 'held',
    reason: /^routes\.0 \(.*\): its template needs JSON, and the body is none: /,
  })
})

void t.test('where no route leads here any more it waits, uncharged', async (t) => {
  const gone = {
    kind: 'deferred',
    fault: 'configuration',
    reason: 'no route leads event "user.created" to crm any more',
    ...{ uncharged: true, nowhere: true },
  }
  t.strictSame(await sent(t, route('plain'), 'crm', '{}'), gone)
  const filtered = route('crm', `filter = 'n == 1'\ntemplate = '{"n":1}'`)
  t.strictSame(await sent(t, filtered, 'crm', '{"n":2}'), gone)
  t.match(await sent(t, filtered, 'crm', '{"n":1}'), { text: '{"n":1}' })
})

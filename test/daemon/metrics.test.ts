/**
 * metrics - what a scrape says after real deliveries, and that what is made of it names nothing
 * that is not there.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import t from 'tap'

import { startSink } from '../../src/cli/sink.ts'
import { tokenHash } from '../../src/intake/tokens.ts'
import { EVENTS } from '../../src/message/journal-line.ts'
import { ask, post } from '../intake/ask.ts'
import { openDoors } from '../intake/doors.ts'
import { parseScrape, valueOf } from './scrape.ts'
import type { Family } from './scrape.ts'

const sink = await startSink({ port: 0, answers: ['/busy=429:3600', '/bad=400'] })
t.teardown(() => sink.close())
const doors = await openDoors(
  t,
  `[listen]
http = "127.0.0.1:0"
tokens = { file = "tokens" }
[retry]
min = "1h"
[destinations.ops]
type = "http"
url = "${sink.url}/ops"
[destinations.busy]
type = "http"
url = "${sink.url}/busy"
[destinations.bad]
type = "http"
url = "${sink.url}/bad"
[destinations.off]
type = "http"
url = "${sink.url}/off"
enabled = false
`,
)
const { control, submit, port, folder, daemon } = doors

async function scrape(where: string | number = control, headers = {}) {
  const answered = await ask(where, '/metrics', { headers })
  t.equal(answered.status, 200)
  t.equal(answered.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  return parseScrape(answered.text)
}

/** Scrapes until it says so. */
async function until(what: string, isSo: (seen: Map<string, Family>) => boolean) {
  for (let n = 0; n < 300; n++) {
    const seen = await scrape()
    if (isSo(seen)) return seen
    await new Promise((done) => setTimeout(done, 20))
  }
  t.fail(`waited in vain: ${what}`)
  return scrape()
}

const names = (families: ReadonlyMap<string, Family>) =>
  [...families].flatMap(([name, { type }]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  )

t.test('before the first message there is a series for what may come', async (t) => {
  const seen = await scrape()
  for (const destination of ['ops', 'busy', '_url', '_event']) {
    t.equal(valueOf(seen, 'msgq_attempts_total', { destination, outcome: 'bounced' }), 0)
    t.equal(valueOf(seen, 'msgq_messages', { destination, state: 'deferred' }), 0)
  }
  t.equal(valueOf(seen, 'msgq_lane_open', { destination: 'ops' }), 1)
  t.equal(valueOf(seen, 'msgq_lane_open', { destination: 'off' }), 0)
  t.equal(valueOf(seen, 'msgq_lane_state', { destination: 'off', state: 'suspended' }), 1)
})

t.test('deliveries are counted by how they ended and where they went', async (t) => {
  const urls = [1, 2, 3].map((n) => `http://127.0.0.${n}:${sink.port}/ops`)
  for (const to of ['ops', 'ops', 'ops', 'bad', 'busy', 'busy', 'off', ...urls])
    t.equal((await post(submit, { to, body: 'x' })).status, 202)
  await post(submit, { to: 'ops', body: 'x', hold: true })
  const lines = (seen: Map<string, Family>, destination: string, outcome: string) =>
    valueOf(seen, 'msgq_attempts_total', { destination, outcome })
  const seen = await until(
    'the attempts',
    (all) =>
      lines(all, 'ops', 'delivered') === 3 &&
      lines(all, 'bad', 'bounced') === 1 &&
      (lines(all, 'busy', 'deferred') ?? 0) > 0 &&
      valueOf(all, 'msgq_attempt_duration_seconds_count', { destination: '_url' }) === 3 &&
      valueOf(all, 'msgq_messages', { destination: 'ops', state: 'hold' }) === 1 &&
      valueOf(all, 'msgq_messages', { destination: 'bad', state: 'bounce' }) === 1 &&
      valueOf(all, 'msgq_messages', { destination: 'busy', state: 'active' }) === 0,
  )
  t.equal(valueOf(seen, 'msgq_attempt_duration_seconds_count', { destination: 'ops' }), 3)
  t.equal(valueOf(seen, 'msgq_delivery_age_seconds_count', { destination: 'ops' }), 3)
  t.equal(valueOf(seen, 'msgq_delivery_age_seconds_count', { destination: 'bad' }), 0)
  t.equal(valueOf(seen, 'msgq_accepted_total', { destination: 'ops' }), 4)
  t.equal(valueOf(seen, 'msgq_accepted_total', { destination: '_url' }), 3)
  t.equal(valueOf(seen, 'msgq_lane_open', { destination: 'busy' }), 0)
  t.equal(valueOf(seen, 'msgq_lane_state', { destination: 'busy', state: 'closed' }), 1)
  const age = valueOf(seen, 'msgq_oldest_message_age_seconds', {
    destination: 'ops',
    state: 'hold',
  })
  t.ok(age !== undefined && age >= 0 && age < 60, `${age} s`)
  t.ok(valueOf(seen, 'msgq_fsync_duration_seconds_count', { of: 'accepted' })! > 0)
  t.ok(valueOf(seen, 'msgq_spool_free_bytes')! > 0)
  t.equal(valueOf(seen, 'msgq_ready'), 1)
  t.ok(valueOf(seen, 'process_resident_memory_bytes')! > 1e6)
  const labels = new Set(
    [...seen.values()].flatMap(({ samples }) =>
      samples.map((one) => one.labels['destination']),
    ),
  )
  t.strictSame(
    [...labels].filter((one) => one !== undefined).toSorted(),
    ['_event', '_url', 'bad', 'busy', 'off', 'ops'],
    'no host of a sender is a label',
  )
})

t.test('it takes the right to read, and a token sees what it may', async (t) => {
  const tokens = [
    { name: 'prometheus', scopes: ['read'] },
    { name: 'shop', scopes: ['read'], to: ['ops'] },
    { name: 'sender', scopes: ['send'] },
  ].map((token) => ({ ...token, sha256: tokenHash(`t-${token.name}`), createdAt: '2026' }))
  writeFileSync(join(folder, 'tokens'), JSON.stringify({ v: 1, tokens }))
  const bearer = (name: string) => ({ authorization: `Bearer t-${name}` })
  t.equal((await ask(submit, '/metrics')).status, 403)
  t.equal((await ask(port, '/metrics')).status, 401)
  t.equal((await ask(port, '/metrics', { headers: bearer('sender') })).status, 403)
  t.strictSame(names(await scrape(port, bearer('prometheus'))), names(await scrape()))
  const shop = await scrape(port, bearer('shop'))
  t.equal(valueOf(shop, 'msgq_lane_open', { destination: 'ops' }), 1)
  t.equal(valueOf(shop, 'msgq_lane_open', { destination: 'busy' }), undefined)
})

t.test(
  'after a reload a new destination has its series, and an old one its counts',
  async (t) => {
    const { busy: _, ...rest } = Object.fromEntries(daemon.config.destinations)
    const more = { ...rest, fresh: { ...rest['ops']!, name: 'fresh' } }
    const before = daemon.config
    await daemon.configure({ ...before, destinations: new Map(Object.entries(more)) })
    const seen = await until('the new count', (all) => {
      const waiting = ['incoming', 'active', 'deferred'].map((state) =>
        valueOf(all, 'msgq_messages', { destination: '_unknown', state }),
      )
      return waiting.reduce<number>((sum, count = 0) => sum + count, 0) === 2
    })
    t.equal(valueOf(seen, 'msgq_lane_open', { destination: 'fresh' }), 1)
    t.equal(valueOf(seen, 'msgq_lane_open', { destination: 'busy' }), undefined)
    t.ok(
      valueOf(seen, 'msgq_attempts_total', { destination: 'busy', outcome: 'deferred' })! >
        0,
    )
    await daemon.configure(before)
  },
)

t.test('the documentation has each name, and no other', async (t) => {
  const documented = readFileSync(resolve('docs/metrics.md'), 'utf8').matchAll(
    /^\| `([a-z_]+)`/gm,
  )
  t.strictSame(
    [...documented].map(([, name]) => name).toSorted(),
    [...(await scrape()).keys()].toSorted(),
  )
})

t.test('alerts and dashboard name nothing that is not in a scrape', async (t) => {
  const seen = await scrape()
  const known = new Set(names(seen))
  const rules = readFileSync(resolve('etc/prometheus/msgq.rules.yml'), 'utf8')
  const dashboard = readFileSync(resolve('etc/grafana/msgq.json'), 'utf8')
  const { panels, uid } = JSON.parse(dashboard) as { panels: object[]; uid: string }
  t.equal(uid, 'msgq')
  t.ok(panels.length > 0)
  const labels = new Map<string, Set<string>>()
  for (const { samples } of seen.values())
    for (const sample of samples)
      for (const [label, text] of Object.entries(sample.labels))
        labels.set(label, (labels.get(label) ?? new Set()).add(text))
  for (const [text, least] of [
    [rules, 8],
    [dashboard.replaceAll('\\"', '"'), 12],
  ] as const) {
    const used = new Set(text.match(/\b(?:msgq|process)_[a-z_]+\b/g))
    t.ok(used.size >= least, `${used.size} names`)
    t.strictSame(
      [...used].filter((name) => !known.has(name)),
      [],
    )
    // What is chosen by state, outcome or event must be one that there is.
    const chosen = text.matchAll(/\b(state|outcome|event)=~?"([a-z|]+)"/g)
    const wrong = [...chosen].flatMap(([, label = '', values = '']) =>
      values.split('|').filter((value) => !choices(label, labels).has(value)),
    )
    t.strictSame(wrong, [])
  }
  const alerts = rules.match(/^ {6}- alert: Msgq\w+$/gm) ?? []
  t.equal(new Set(alerts).size, rules.match(/ expr: /g)?.length, 'each alert has its own')
})

/** What a label may be; the journal has more events than happen in a test. */
function choices(label: string, seen: ReadonlyMap<string, ReadonlySet<string>>) {
  return label === 'event' ? new Set<string>(EVENTS) : (seen.get(label) ?? new Set())
}

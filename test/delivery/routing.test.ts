/**
 * routing - where a lease goes by the configuration in force.
 */
import t from 'tap'
import type { Test } from 'tap'

import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { routingOf } from '../../src/delivery/routing.ts'
import { machine, put } from '../config/machine.ts'
import { leaseOf } from './support.ts'

const TOML = `
[retry]
lifetime = "2d"
[lane]
window = 7
[destinations.crm]
type = "http"
url = "https://crm.example/in"
lane = { window = 3 }
`

function configOf(t: Test, text: string): Config {
  const folder = t.testdir()
  const file = put(`${folder}/msgq.toml`, text)
  return loadConfig(machine(folder), { config: file })
}

t.test('a name goes to the destination of that name', async (t) => {
  const routing = routingOf(configOf(t, TOML))
  t.match(routing.destinationOf(leaseOf()), { name: 'crm', url: 'https://crm.example/in' })
  t.equal(routing.destinationOf(leaseOf({ to: 'crn' }, { lane: 'crn' })), undefined)
})

t.test('a name of the language is no destination', async (t) => {
  const routing = routingOf(configOf(t, TOML))
  for (const to of ['constructor', 'tostring', '__proto__'])
    t.equal(routing.destinationOf(leaseOf({ to }, { lane: to })), undefined, to)
})

t.test('a bare URL goes to itself, by the defaults of the house', async (t) => {
  const routing = routingOf(configOf(t, TOML))
  const url = 'https://hooks.example/a/b?c=d'
  const lane = '=hooks.example_443'
  t.match(routing.destinationOf(leaseOf({ to: url }, { lane })), {
    name: lane,
    url,
    method: 'POST',
    retry: { lifetime: 172_800_000 },
    lane: { window: 7 },
  })
})

t.test('an event goes nowhere yet', async (t) => {
  const { to: _, ...event } = { ...leaseOf().envelope, event: 'user.created' }
  const lease = leaseOf({}, { envelope: event, lane: '_event' })
  t.equal(routingOf(configOf(t, TOML)).destinationOf(lease), undefined)
})

t.test("what rules a lane is the destination's own, or that of the house", async (t) => {
  const routing = routingOf(configOf(t, TOML))
  const day = 86_400_000
  t.match(routing.ruleOf('crm'), { lane: { window: 3 }, retry: { lifetime: 2 * day } })
  t.match(routing.ruleOf('=hooks.example_443'), { lane: { window: 7 } })
  t.match(routing.ruleOf('crn'), { lane: { window: 7 } })
  t.equal(routing.retry.lifetime, 172_800_000)
})

t.test('events that may go to a lane of one chain are one chain themselves', async (t) => {
  const chat =
    '[destinations.chat]\ntype = "http"\nurl = "https://chat.example/"\nordered = true\n'
  const orderedBy = (text: string) => {
    const { ordered } = routingOf(configOf(t, text))
    return ordered && ['_event', 'chat', 'crm'].filter(ordered)
  }
  const route = (to: string) => `[[routes]]\nevent = "talk"\nto = "${to}"\n`
  t.strictSame(orderedBy(TOML + chat + route('chat')), ['_event', 'chat'])
  t.strictSame(orderedBy(TOML + chat + route('crm')), ['chat'])
  t.equal(orderedBy(TOML + route('crm')), undefined)
})

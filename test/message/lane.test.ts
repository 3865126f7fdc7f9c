/**
 * lane - every destination and every host has its lane, and shares it with nobody else.
 */
import fc from 'fast-check'
import tap from 'tap'

import {
  ADOPT_LANE,
  EVENT_LANE,
  isDestinationName,
  isLane,
  isUrlLane,
  laneOf,
  looksLikeUrl,
} from '../../src/message/lane.ts'

tap.test('a name is a destination as the configuration writes it', async (t) => {
  for (const name of ['crm', '9', 'ops-slack', 'a_b', 'a'.repeat(64)]) {
    t.ok(isDestinationName(name), name)
    t.equal(laneOf(name), name)
  }
  for (const name of [
    '',
    '_event',
    '-a',
    'Crm',
    'a.b',
    'a b',
    'a/b',
    'a@b',
    'a~b',
    'a#b',
    'ü',
    'crm\n',
    '=a_443',
    'a'.repeat(65),
  ])
    t.notOk(isDestinationName(name), JSON.stringify(name))
})

tap.test('the lane of a URL is its host and port', async (t) => {
  const cases: [string, string][] = [
    ['https://crm.example/hooks', '=crm.example_443'],
    ['http://crm.example/hooks', '=crm.example_80'],
    ['https://crm.example:443/', '=crm.example_443'],
    ['https://CRM.example:8443/?a=b', '=crm.example_8443'],
    ['http://127.0.0.1:9000', '=127.0.0.1_9000'],
    ['http://0x7f.1:9000', '=127.0.0.1_9000'],
    ['http://[::1]:9000/', '=--1_9000'],
    ['https://[2001:db8::1]/', '=2001-db8--1_443'],
    ['https://bücher.example/', '=xn--bcher-kva.example_443'],
    ['https://my_host/', '=my_host_443'],
  ]
  for (const [to, lane] of cases) t.equal(laneOf(to), lane, to)
})

tap.test('an event has a lane of ours', async (t) => {
  t.equal(laneOf(undefined), EVENT_LANE)
  for (const lane of [EVENT_LANE, ADOPT_LANE]) {
    t.ok(isLane(lane))
    t.notOk(isDestinationName(lane))
    t.notOk(isUrlLane(lane))
  }
})

tap.test(
  'even a URL that nobody can deliver to has a lane that is well-formed',
  async () => {
    const odd = fc.webUrl().map((text: string) => text.replace(/^https?/, 'MailTo'))
    fc.assert(fc.property(odd, (to: string) => isLane(laneOf(to))))
  },
)

tap.test('a host that is cut shares its lane with no other', async (t) => {
  const long = `${'a'.repeat(60)}.example`
  const lane = laneOf(`https://${long}/`)
  t.match(lane, /^=a{46}-[0-9a-f]{8}_443$/)
  t.ok(isLane(lane))
  t.not(lane, laneOf(`https://${'a'.repeat(60)}.example2/`), 'alike only where it is cut')
  const forged = lane.slice(1).replace('_443', '')
  t.not(laneOf(`https://${forged}/`), lane, 'nor with one that is called like its lane')
  t.ok(isLane(laneOf(`https://${forged}/`)))
  t.equal(
    laneOf(`https://${'b'.repeat(55)}/`),
    `=${'b'.repeat(55)}_443`,
    'up to 55 as it is',
  )
})

tap.test(
  'a name that is written like an IPv6 address does not share its lane',
  async (t) => {
    const pairs = [
      ['--1', '[::1]'],
      ['2001-db8--1', '[2001:db8::1]'],
      ['1-2-3-4-5-6-7-8', '[1:2:3:4:5:6:7:8]'],
    ] as const
    for (const [name, address] of pairs) {
      t.not(laneOf(`https://${name}/`), laneOf(`https://${address}/`), name)
      t.ok(isLane(laneOf(`https://${name}/`)))
    }
  },
)

tap.test('a URL is told from a name by its scheme', async (t) => {
  for (const to of ['https://a', 'HTTP://a', 'mailto:a', 'a+b:c'])
    t.ok(looksLikeUrl(to), to)
  for (const to of ['crm', 'a.example/x', '//a', ':a', '1a:b', ''])
    t.notOk(looksLikeUrl(to))
})

tap.test('what is no lane is told apart', async (t) => {
  for (const text of [
    '',
    '=',
    '_other',
    'a.b',
    '=A_443',
    '=a/b_443',
    'a@b',
    `=${'a'.repeat(65)}`,
  ])
    t.notOk(isLane(text), text)
})

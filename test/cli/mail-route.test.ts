import t from 'tap'

import { receiversOn, routeMail } from '../../src/cli/mail-route.ts'
import type { Terms } from '../../src/intake/terms.ts'

const terms = (mail: Record<string, string>, to?: string): Terms => ({
  messageSizeLimit: 1,
  minFree: 0,
  mail: new Map(Object.entries(mail)),
  destinations: new Map([
    ['crm', { method: 'POST' }],
    ['ops', { method: 'POST' }],
  ]),
  ...(to === undefined ? {} : { to }),
})

t.test('the first that says something', async (t) => {
  const all = terms({ 'ann@example.com': 'a', ann: 'b', default: 'd' }, 'to')
  for (const [receiver, to] of [
    ['ann@example.com', 'a'],
    ['Ann@Example.COM', 'a'],
    ['ann@elsewhere.example', 'b'],
    ['ann', 'b'],
    ['crm', 'crm'],
    ['crm@example.com', 'd'],
    ['bob', 'd'],
    ['__proto__', 'd'],
  ] as const)
    t.same(routeMail([receiver], all), { to: [to], unknown: [] }, receiver)
  t.same(routeMail(['bob'], terms({}, 'to')), { to: ['to'], unknown: [] })
  t.same(routeMail(['bob', 'crm'], terms({})), { to: ['crm'], unknown: ['bob'] })
  t.same(routeMail(['bob'], { messageSizeLimit: 1, minFree: 0 }).unknown, ['bob'])
})

t.test('each destination once', async (t) => {
  const all = terms({ root: 'ops,crm', ann: 'ops' })
  t.same(routeMail(['root', 'ann', 'root@vm'], all).to, ['ops', 'crm'])
})

t.test('a mail without receivers is for default', async (t) => {
  t.same(routeMail([], terms({ default: 'ops' })), { to: ['ops'], unknown: [] })
  t.same(routeMail([], terms({})), { to: [], unknown: ['default'] })
})

t.test('words', async (t) => {
  t.same(receiversOn(['root,ann@example.com', '<bob@example.com>', ' ', ',']), [
    'root',
    'ann@example.com',
    'bob@example.com',
  ])
})

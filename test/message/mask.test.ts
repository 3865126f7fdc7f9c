/**
 * mask - what a person sees of a message holds no secret of its sender's.
 */
import fc from 'fast-check'
import t from 'tap'

import { shownHeader, shownTo } from '../../src/message/mask.ts'

t.test('the name of a destination is shown as it is', async (t) => {
  for (const to of ['crm', 'ops-slack', 'a', '0_0']) t.equal(shownTo(to), to)
})

t.test('of a URL the scheme, the host and the first segment are shown', async (t) => {
  const cases = {
    'https://hooks.slack.com/services/T0/B0/XXX': 'https://hooks.slack.com/services/...',
    'https://discord.com/api/webhooks/1/abc': 'https://discord.com/api/...',
    'https://crm.example/in': 'https://crm.example/in',
    'https://crm.example': 'https://crm.example/',
    'https://crm.example/': 'https://crm.example/',
    'https://crm.example/in/': 'https://crm.example/in/...',
    'http://localhost:8080/in?key=abc': 'http://localhost:8080/in/...',
    'https://[::1]:8443/a/b': 'https://[::1]:8443/a/...',
    'HTTPS://CRM.example/a/b': 'https://crm.example/a/...',
    'https://crm.example/in#secret': 'https://crm.example/in',
  }
  for (const [to, shown] of Object.entries(cases)) t.equal(shownTo(to), shown)
})

t.test('what is no valid URL is not shown at all', async (t) => {
  for (const to of ['https://', 'http://a b/secret', 'https://[secret/'])
    t.notMatch(shownTo(to), /secret/, to)
})

function mark(text: string): string {
  return `SECRET${text}`
}

t.test('neither user, later segment, query nor fragment gets through', async () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/)
  const parts = fc.record({
    user: word,
    password: word,
    later: fc.array(word, { minLength: 1, maxLength: 4 }),
    query: word,
    fragment: word,
  })
  fc.assert(
    fc.property(parts, ({ user, password, later, query, fragment }) => {
      const path = later.map(mark).join('/')
      const to = `https://${mark(user)}:${mark(password)}@crm.example/in/${path}?${mark(query)}=${mark(query)}#${mark(fragment)}`
      return shownTo(to) === 'https://crm.example/in/...'
    }),
  )
})

t.test('a query without a path is hidden as well', async (t) => {
  t.notMatch(shownTo('https://crm.example/?token=secret'), /secret|token/)
  t.notMatch(shownTo('https://crm.example?secret'), /secret/)
})

t.test('headers that are secrets by their name are stars', async (t) => {
  const secret = [
    'authorization',
    'Authorization',
    'COOKIE',
    'Proxy-Authorization',
    'x-api-key',
    'D360-API-KEY',
    'x-auth-token',
    'X-Hub-Secret',
  ]
  for (const name of secret) t.equal(shownHeader(name, 'abc'), '****', name)
})

t.test('other headers are shown as they are', async (t) => {
  for (const name of ['content-language', 'x-request-id', 'x-keyboard', 'tokenize'])
    t.equal(shownHeader(name, 'abc'), 'abc', name)
})

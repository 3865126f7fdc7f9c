import tap from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import type { HttpDestination } from '../../src/config/config.ts'
import type { Secret } from '../../src/config/reference.ts'
import { buildRequest } from '../../src/transport/request.ts'
import { attemptOf, destinationOf, ID } from './support.ts'

const CRM = 'https://crm.example/hooks/in?a=1#part'
function source(reference: Secret): string {
  if ('env' in reference)
    throw new MsgqError('config', 'secret { env = "TOKEN" }: is not set')
  if ('inline' in reference) return reference.inline
  if (reference.file === 'empty') return ''
  if (reference.file === 'locked')
    throw Object.assign(new Error('EACCES: sesame'), { code: 'EACCES' })
  if (reference.file === 'odd') throw new Error('sesame')
  return 'sesame'
}

function headersOf(
  destination: Partial<HttpDestination>,
  draft = {},
  body = 'x',
): Record<string, string> {
  const attempt = attemptOf(destinationOf(CRM, destination), body, draft)
  const { headers } = buildRequest(attempt, '1.2.3', source)
  const found: Record<string, string> = {}
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at)
    if (name in found) throw new Error(`${name} is there twice`)
    found[name] = value
  }
  return found
}

/** What stops a request to such a destination. */
function failure(destination: Partial<HttpDestination>): string {
  try {
    headersOf(destination)
  } catch (error) {
    if (error instanceof MsgqError) return `${error.code}: ${error.message}`
  }
  return 'it did not fail'
}

tap.test('a plain message carries its identity', async (t) => {
  t.strictSame(headersOf({}), {
    'user-agent': 'msgq/1.2.3',
    'idempotency-key': ID,
    'content-type': 'text/plain; charset=utf-8',
    'webhook-id': ID,
    'msgq-attempt': '3',
  })
})

tap.test('the key of the sender is the idempotency key', async (t) => {
  t.equal(headersOf({}, { key: 'order-7' })['idempotency-key'], 'order-7')
  t.equal(headersOf({}, { key: 'größe 7' })['idempotency-key'], 'gr%C3%B6%C3%9Fe 7')
  t.equal(headersOf({}, { key: '\ud800' })['idempotency-key'], '%EF%BF%BD')
  const headers = { 'Idempotency-Key': 'mine' }
  t.equal(headersOf({}, { key: 'order-7', headers })['idempotency-key'], 'mine')
})

tap.test('the type is the first that is given: message, destination, text', async (t) => {
  const destination = { contentType: 'application/json' }
  t.equal(headersOf(destination)['content-type'], 'application/json')
  const draft = { contentType: 'text/csv' }
  t.equal(headersOf(destination, draft)['content-type'], 'text/csv')
  t.equal(headersOf(destination, draft, '')['content-type'], undefined, 'no body, no type')
})

tap.test('the destination wins over the sender, in any case of letters', async (t) => {
  const headers = { 'X-Team': 'sender', 'User-Agent': 'curl/8', 'x-other': 'kept' }
  const found = headersOf({ headers: { 'x-team': 'destination' } }, { headers })
  t.equal(found['x-team'], 'destination')
  t.equal(found['user-agent'], 'curl/8')
  t.equal(found['x-other'], 'kept')
})

tap.test('auth wins over all, and id and attempt are ours', async (t) => {
  const headers = { Authorization: 'Bearer mine' }
  const bearer = { kind: 'bearer', token: { file: 'token' } } as const
  t.equal(headersOf({ auth: bearer }, { headers })['authorization'], 'Bearer sesame')
  const basic = { kind: 'basic', user: 'me', password: { file: 'token' } } as const
  const pair = Buffer.from('me:sesame').toString('base64')
  t.equal(headersOf({ auth: basic })['authorization'], `Basic ${pair}`)
  t.equal(headersOf({ headers: { 'Webhook-Id': 'forged' } })['webhook-id'], ID)
})

tap.test('headers of the destination may be secrets', async (t) => {
  const found = headersOf({ headers: { 'x-api-key': { file: 'key' } } })
  t.equal(found['x-api-key'], 'sesame')
})

tap.test('a stream says its length', async (t) => {
  const body = {
    kind: 'stream',
    length: 7,
    open: () => {
      throw new Error('is not opened here')
    },
  } as const
  const { headers } = buildRequest(attemptOf(destinationOf(CRM), body), '1', source)
  t.equal(headers[headers.indexOf('content-length') + 1], '7')
})

tap.test('the method of the message comes before that of the destination', async (t) => {
  const put = destinationOf(CRM, { method: 'PUT' })
  t.equal(buildRequest(attemptOf(put), '1', source).method, 'PUT')
  const draft = { method: 'DELETE' }
  t.equal(buildRequest(attemptOf(put, '', draft), '1', source).method, 'DELETE')
})

tap.test('a URL may be a secret; then none of it may be shown', async (t) => {
  const inline = 'https://hooks.example/services/T0/B0?k=sesame'
  const { url, secrets } = buildRequest(attemptOf(destinationOf({ inline })), '1', source)
  t.equal(url.href, inline)
  t.ok(secrets.includes('/services/T0/B0?k=sesame'))
})

function withToken(token: Secret): string {
  return failure({ auth: { kind: 'bearer', token } })
}

tap.test('a secret that cannot be had is named and never shown', async (t) => {
  t.equal(withToken({ env: 'TOKEN' }), 'config: secret { env = "TOKEN" }: is not set')
  t.equal(
    withToken({ file: 'locked' }),
    'config: secret { file = "locked" }: permission denied',
  )
  t.equal(withToken({ file: 'odd' }), 'config: secret { file = "odd" }: lookup failed')
  t.equal(withToken({ file: 'empty' }), 'config: secret { file = "empty" }: is empty')
})

function withUrl(url: HttpDestination['url']): string {
  return failure({ url })
}

tap.test(
  'a URL that cannot be used says why, and shows nothing of a secret one',
  async (t) => {
    t.equal(withUrl('nonsense'), 'config: url: is not a valid URL')
    t.equal(
      withUrl({ inline: 'sesame' }),
      'config: url (secret "****"): is not a valid URL',
    )
    t.equal(
      withUrl('ftp://a.example/'),
      'config: url: begins with neither https:// nor http://',
    )
    t.equal(
      withUrl({ inline: 'https://me:sesame@a.example/' }),
      'config: url (secret "****"): has a user or password; use auth instead',
    )
    t.equal(withUrl({ env: 'X' }), 'config: secret { env = "TOKEN" }: is not set')
  },
)

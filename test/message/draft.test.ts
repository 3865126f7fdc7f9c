/**
 * draft - what cannot be sent is refused at the door, by name, with a MsgqError.
 */
import fc from 'fast-check'
import tap from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import { LEVELS, checkDraft } from '../../src/message/draft.ts'
import type { Draft } from '../../src/message/draft.ts'

/** What checkDraft says of anything at all: '' for yes, else its message. */
function refusal(draft: unknown): string {
  try {
    checkDraft(draft as Draft)
    return ''
  } catch (error) {
    if (error instanceof MsgqError && error.code === 'data') return error.message
    throw error
  }
}

function hintOf(draft: Draft): string | undefined {
  try {
    checkDraft(draft)
  } catch (error) {
    if (error instanceof MsgqError) return error.hint
  }
  return undefined
}

const to = 'crm'

tap.test('all that a sender may say is taken', async (t) => {
  const drafts: Draft[] = [
    { to },
    { event: 'user.created' },
    { to: 'https://crm.example/hooks?a=b#c' },
    { to: 'http://[::1]:8080/' },
    { to, method: 'GET', subject: '', level: 'critical', key: 'k', order: 'o', hold: true },
    { to, contentType: 'text/plain; charset=utf-8', subject: 'Grüße 😀' },
    { to, headers: { Authorization: 'Bearer x', 'X-A': '', 'x-b': 'a\tb', 'X-c': 'ü' } },
    { to, notBefore: '2026-11-20T10:15:00Z', expiresAt: '2026-11-20T10:15:00.123+01:00' },
    { to, notBefore: '2026-11-20T10:15Z', expiresAt: '2028-02-29T23:59:59-0800' },
  ]
  for (const draft of drafts) t.equal(refusal(draft), '', JSON.stringify(draft))
  for (const level of LEVELS) t.equal(refusal({ to, level }), '')
})

tap.test('it goes to one place', async (t) => {
  t.match(refusal({}), /^to: is missing/)
  t.match(refusal({ to, event: 'x' }), /^to: and event exclude each other/)
})

tap.test('a bad place is refused, and the hint says what was meant', async (t) => {
  for (const bad of [
    '',
    'Crm',
    'a b',
    '-x',
    'crm.example',
    '/x',
    'crm\n',
    '_event',
    '=a_443',
  ])
    t.match(refusal({ to: bad }), /^to: is neither a destination nor a URL/, bad)
  for (const bad of [5, null, true, {}, ['crm']]) t.match(refusal({ to: bad }), /^to: /)
  t.match(hintOf({ to: 'crm.example/x' }), /https:/)
  t.match(hintOf({ to: 'Crm' }), /a-z/)
})

tap.test('a bad URL is refused', async (t) => {
  for (const bad of ['https://', 'https://a b/', 'http://a:99999/', 'https://[::1/'])
    t.match(refusal({ to: bad }), /^to: is not a valid URL/, bad)
  for (const bad of [
    'ftp://a/',
    'file:///etc/passwd',
    'javascript:1',
    'mailto:a@b',
    'ops:x',
  ])
    t.match(refusal({ to: bad }), /^to: has a scheme that msgq does not speak/, bad)
})

tap.test('a URL never carries a user or a password', async (t) => {
  for (const bad of ['https://u@h/', 'https://u:p@h/', 'https://:p@h/', 'http://%75@h/'])
    t.match(refusal({ to: bad }), /^to: has a user or password/, bad)
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), (url: string) => {
      const withUser = url.replace('://', '://someone:secret@')
      return refusal({ to: url }) === '' && refusal({ to: withUser }) !== ''
    }),
  )
})

tap.test('the refusal of a URL does not print the password', async (t) => {
  t.notMatch(refusal({ to: 'https://u:hunter2@h/' }), /hunter2/)
})

const control = fc.oneof(
  fc.integer({ min: 0, max: 31 }).map((code: number) => String.fromCharCode(code)),
  fc.integer({ min: 127, max: 159 }).map((code: number) => String.fromCharCode(code)),
)
const spoiled = fc
  .tuple(fc.string({ maxLength: 20 }), control, fc.string({ maxLength: 20 }))
  .map((parts: string[]) => parts.join(''))

tap.test('no line holds a control character', async () => {
  const field = fc.constantFrom('event', 'subject', 'key', 'order', 'contentType')
  fc.assert(
    fc.property(field, spoiled, (name: string, text: string) => {
      const draft = name === 'event' ? { event: text } : { to, [name]: text }
      return refusal(draft).startsWith(`${name}: has a control character`)
    }),
  )
})

tap.test('no URL holds a control character, or a space around it', async (t) => {
  fc.assert(
    fc.property(spoiled, (text: string) => refusal({ to: `https://h/${text}` }) !== ''),
  )
  for (const bad of [
    'https://h/\r\nX: y',
    'https://h/\t',
    'https://h/ ',
    'https://h/\u00a0',
  ])
    t.match(refusal({ to: bad }), /^to: has a control character or a space/)
})

tap.test('no header splits the request', async (t) => {
  const sendable = /^[\t\x20-\x7e\x80-\xff]*$/
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value: string) => {
      return sendable.test(value) === (refusal({ to, headers: { 'x-a': value } }) === '')
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name: string) => {
      const legal = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)
      return (
        legal === (refusal({ to, headers: { [name]: 'v' } }) === '') || /^te$/i.test(name)
      )
    }),
  )
  for (const headers of [
    { 'X-A': 'a\r\nb: c' },
    { 'X-A\r\nb': 'c' },
    { 'X A': 'b' },
    { '': 'b' },
  ])
    t.match(refusal({ to, headers }), /^headers: /, JSON.stringify(headers))
})

tap.test('headers are names and texts', async (t) => {
  for (const headers of [null, [], ['a'], 'a: b', 5, { a: 5 }, { a: null }, { a: ['b'] }])
    t.match(refusal({ to, headers }), /^headers: /, JSON.stringify(headers))
})

tap.test('a header name without end is not printed without end', async (t) => {
  const name = 'x'.repeat(60_000)
  for (const value of [5, 'a\nb'])
    t.ok(refusal({ to, headers: { [name]: value } }).length < 250)
  t.ok(refusal({ to, headers: { [`${name} `]: 'b' } }).length < 250)
})

tap.test("headers of msgq and of the connection are not a sender's", async (t) => {
  for (const name of [
    'Connection',
    'Content-Length',
    'Expect',
    'HOST',
    'Keep-Alive',
    'MSGQ-Attempt',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'transfer-encoding',
    'Upgrade',
    'webhook-id',
  ])
    t.match(
      refusal({ to, headers: { [name]: 'x' } }),
      /belongs to msgq or to the connection/,
    )
})

tap.test('what travels in a header has only what a header may have', async (t) => {
  t.match(refusal({ to, key: 'schlüssel 你' }), /^key: has a character that no header/)
  t.match(refusal({ to, contentType: 'text/你' }), /^contentType: has a character/)
  t.equal(refusal({ to, key: 'schlüssel' }), '')
  t.equal(refusal({ to, subject: '你', order: '你' }), '', 'these two do not')
})

tap.test('lines are texts, not empty, and not endless', async (t) => {
  for (const name of ['subject', 'key', 'order', 'contentType']) {
    for (const bad of [5, null, true, {}, []])
      t.match(refusal({ to, [name]: bad }), `${name}: is not a text`)
    t.match(refusal({ to, [name]: 'x'.repeat(1001) }), `${name}: is longer`)
    t.equal(refusal({ to, [name]: 'x'.repeat(1000) }), '')
    if (name !== 'subject') t.match(refusal({ to, [name]: '' }), `${name}: is empty`)
  }
})

tap.test('a method is a word in capitals', async (t) => {
  for (const bad of ['', 'post', 'PO ST', 'POST\r\n', 'X'.repeat(21), 5, null, {}])
    t.match(refusal({ to, method: bad }), /^method: is not a method/, String(bad))
  t.match(refusal({ to, method: 'CONNECT' }), /^method: CONNECT/)
})

tap.test('level and hold are what they can be', async (t) => {
  for (const bad of ['', 'fatal', 5, null, ['info'], {}])
    t.match(refusal({ to, level: bad }), /^level: is not one of info,/)
  for (const bad of ['', 'true', 1, null, {}])
    t.match(refusal({ to, hold: bad }), /^hold: is neither true nor false/)
})

tap.test(
  'a time has date, time and zone: what can be misread is not sent early',
  async (t) => {
    for (const bad of [
      '',
      '5',
      '5m',
      '2026',
      '2026-11-20',
      '2026-11-20T10:15:00',
      '2026-11-20 10:15:00Z',
      'Nov 20 2026 10:15:00 UTC',
      '2026-13-20T10:15:00Z',
      '2026-02-30T10:15:00Z',
      '2027-02-29T10:15:00Z',
      '2026-11-20T25:15:00Z',
      '+012026-11-20T10:15:00Z',
      '2026-11-20T10:15:00Z\n',
      1_795_166_100_000,
      null,
      {},
    ])
      for (const field of ['notBefore', 'expiresAt'])
        t.match(refusal({ to, [field]: bad }), `${field}: is not a time in ISO 8601`)
  },
)

tap.test('each time that a Date writes is a time', async () => {
  const date = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(date, (at: Date) => refusal({ to, notBefore: at.toISOString() }) === ''),
  )
})

tap.test('what is no plain value is named and not printed', async (t) => {
  t.match(refusal({ to, level: ['info'] }), /: a list$/)
  t.match(refusal({ to, level: { toString: 1, valueOf: 1 } }), /: an object$/)
  t.match(refusal({ to, level: null }), /: null$/)
  t.match(refusal({ to, level: 10n }), /: 10$/)
})

tap.test('a refusal is one short printable line, whatever was given', async () => {
  const member = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), spoiled)
  const draft = fc.record(
    {
      to: fc.oneof(fc.constant('crm'), member),
      event: member,
      method: member,
      headers: fc.oneof(member, fc.dictionary(fc.string(), member)),
      contentType: member,
      subject: member,
      level: member,
      key: member,
      order: member,
      notBefore: member,
      expiresAt: member,
      hold: member,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(draft, (given: unknown) => {
      const said = refusal(given)
      return said.length < 200 && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(said)
    }),
    { numRuns: 1000 },
  )
})

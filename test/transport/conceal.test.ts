import fc from 'fast-check'
import t from 'tap'

import { concealer, urlSecrets } from '../../src/transport/conceal.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  limits,
  rawReceiver,
  speaking,
} from './support.ts'

t.test('a secret is hidden however its text writes it', async (t) => {
  const secret = 'k"1&2/<3>\'%41 é'
  const hide = concealer([secret])
  const html = 'k&quot;1&amp;2/&lt;3&gt;'
  for (const form of [
    secret,
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(secret).slice(1, -1).replace('/', '\\/'),
    'k\\"1\\u00262/\\u003c3\\u003e\'%41 é',
    `${html}'%41 é`,
    `${html}&#39;%41 é`,
    encodeURIComponent(secret),
    decodeURIComponent(secret),
  ])
    t.equal(hide(`you said ${form}, twice: ${form}`), 'you said ***, twice: ***', form)
})

t.test('of a secret that holds another one nothing stays', async (t) => {
  const hide = concealer(['hunter', 'https://h.example/hunter/two'])
  t.equal(hide('at https://h.example/hunter/two: hunter'), 'at ***: ***')
})

t.test('the end of a text does not show the beginning of a secret', async (t) => {
  const secret = '0123456789abcdef'
  const hide = concealer([secret])
  for (let length = 8; length <= secret.length; length++)
    t.equal(hide(`it is ${secret.slice(0, length)}`), 'it is ***', String(length))
  t.equal(concealer(['0123456789é'])('it is 0123456789\ufffd'), 'it is ***')
  t.equal(hide('it is 0123'), 'it is 0123', 'what is too short to tell stays')
})

t.test('what is too short to be a secret does not garble a text', async (t) => {
  t.equal(concealer(['', 'a', 'abc'])('a abc abcd'), 'a abc abcd')
  t.equal(concealer([])('text'), 'text')
})

t.test('no secret comes through, wherever it stands and whatever it is', async (t) => {
  const secret = fc.string({ minLength: 4, unit: 'grapheme' })
  const failed = fc.check(
    fc.property(fc.array(secret), fc.array(fc.string()), (secrets, others) => {
      // Stars are what is put in its place.
      const real = secrets.filter((text) => !text.includes('*'))
      const text = others.flatMap((other, at) => [other, real[at] ?? '']).join(' ')
      const shown = concealer(real)(text)
      return real.every((each) => !shown.includes(each))
    }),
    { numRuns: 500 },
  )
  t.same(failed.counterexample, null)
})

t.test('of a URL those parts are secrets that are not shown', async (t) => {
  const parts = (url: string) => urlSecrets(new URL(url))
  t.strictSame(parts('https://h.example/in'), [])
  t.strictSame(parts('https://h.example/hooks/in'), [], 'too short to be one')
  t.strictSame(parts('https://h.example/hooks/T01234567/abc'), [
    '/T01234567/abc',
    'T01234567/abc',
    'T01234567',
  ])
  t.strictSame(parts('https://h.example/hooks?key=12345678'), [
    '?key=12345678',
    'key=12345678',
    '12345678',
  ])
})

t.test('a receiver that repeats the path of a URL is not quoted with it', async (t) => {
  const page = 'Cannot POST /hooks/T01234567/hunter2hunter2'
  const url = await speaking(
    t,
    `HTTP/1.1 404 X\r\ncontent-length: ${page.length}\r\n\r\n${page}`,
  )
  const target = `${url}/hooks/T01234567/hunter2hunter2`
  t.strictSame(await deliver(t, attemptOf(destinationOf(`${target}?wait=true`))), {
    kind: 'bounced',
    reason: '404 Not Found: "Cannot POST /hooks/***/***"',
    fault: 'configuration',
    status: 404,
    answer: 'Cannot POST /hooks/***/***',
  })
})

t.test('a reason phrase, and a header that is secret by its name', async (t) => {
  const headers = { authorization: 'Bearer hunter2-token', 'x-api-key': 'hunter3-key' }
  const url = await rawReceiver(t, (socket) => {
    socket.on('data', () =>
      socket.end('HTTP/1.1 599 hunter2-token hunter3-key\r\n\r\nhunter3-key'),
    )
  })
  const attempt = attemptOf(destinationOf(url, limits(5_000)), 'x', { headers })
  t.match(await deliver(t, attempt), {
    kind: 'deferred',
    reason: '599 *** ***: "***"',
    answer: '***',
  })
})

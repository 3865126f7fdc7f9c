import fc from 'fast-check'
import tap from 'tap'

import { judge } from '../../src/transport/answer.ts'
import type { Answer } from '../../src/transport/answer.ts'

const NOW = 1_000_000
function answer(status: number, text = '', headers: Answer['headers'] = {}): Answer {
  return { status, statusText: 'Said So', headers, bytes: Buffer.from(text) }
}

tap.test('the status decides, as the table says', async (t) => {
  const table: [string, number[], string, string | undefined][] = [
    ['delivered', [200, 201, 202, 204, 206, 226, 299], 'OK', undefined],
    ['bounced', [300, 301, 302, 303, 304, 307, 308, 399], 'moved', 'configuration'],
    ['bounced', [401, 403, 404, 405, 407, 410], 'shut', 'configuration'],
    ['bounced', [400, 402, 406, 409, 411, 413, 415, 422, 431, 451, 499], 'no', 'message'],
    ['deferred', [408, 421, 425, 429], 'later', 'receiver'],
    ['deferred', [500, 501, 502, 503, 504, 511, 520, 555, 599], 'ill', 'receiver'],
    ['deferred', [600, 700, 999], 'unheard of', 'receiver'],
  ]
  for (const [kind, statuses, why, fault] of table)
    for (const status of statuses) {
      const outcome = judge(answer(status), NOW)
      t.equal(outcome.kind, kind, `${status} is ${kind}: ${why}`)
      t.equal('fault' in outcome ? outcome.fault : undefined, fault, `${status}: fault`)
      t.equal(outcome.status, status)
    }
})

tap.test('the reason quotes what the receiver said', async (t) => {
  t.match(judge(answer(503, 'upstream down\n'), NOW), {
    reason: '503 Service Unavailable: "upstream down"',
    answer: 'upstream down',
  })
  t.equal(judge(answer(500), NOW).reason, '500 Internal Server Error')
  t.equal(judge(answer(200, 'thanks'), NOW).reason, '200 OK')
  t.equal(judge(answer(200, 'thanks'), NOW).answer, 'thanks')
  t.equal('answer' in judge(answer(204), NOW), false, 'what was not said is absent')
})

tap.test('a status without a name takes the words of the receiver', async (t) => {
  t.equal(judge(answer(555), NOW).reason, '555 Said So')
  const bare = { ...answer(555), statusText: '' }
  t.equal(judge(bare, NOW).reason, '555')
  const hostile = { ...answer(555), statusText: '\u001b[2Jgone\r\nFrom: me' }
  t.equal(judge(hostile, NOW).reason, '555 [2Jgone From: me')
})

tap.test('several lines become one, a long one is cut', async (t) => {
  const json = judge(answer(400, '{\n  "error": "no name"\n}\n'), NOW)
  t.equal(json.reason, '400 Bad Request: "{ "error": "no name" }"')
  const long = judge(answer(400, 'x'.repeat(5000)), NOW)
  t.ok(long.reason.length < 160)
  t.match(long.reason, /xxx\.\.\."$/)
})

function page(title: string): string {
  return `<!doctype html>\n<html><head><title>${title}</title></head><body><h1>x</h1></body>`
}

tap.test('of a page only the title is quoted, unless it repeats the status', async (t) => {
  t.equal(
    judge(answer(502, page('Origin is\n down')), NOW).reason,
    '502 Bad Gateway: "Origin is down"',
  )
  t.equal(judge(answer(502, page('502 Bad Gateway')), NOW).reason, '502 Bad Gateway')
  t.equal(judge(answer(502, '<html><p>no title'), NOW).reason, '502 Bad Gateway')
})

function to(location: Answer['headers'][string]): string {
  return judge(answer(302, '', { location }), NOW).reason
}

tap.test('a redirect shows where it points', async (t) => {
  t.equal(
    to('https://other.example/in'),
    '302 Found: Location https://other.example/in (redirects are never followed)',
  )
  t.equal(to(['/a', '/b']), '302 Found: Location /a (redirects are never followed)')
  t.equal(to(undefined), '302 Found: no Location (redirects are never followed)')
  t.notMatch(to('/\u001b[31m\r\nx'), /[\r\n\u001b]/)
})

tap.test('Retry-After counts where something is to be retried', async (t) => {
  const later = { 'retry-after': '60' }
  const notBefore = NOW + 60_000
  t.match(judge(answer(429, '', later), NOW), { notBefore, wholeLane: true })
  t.match(judge(answer(503, '', later), NOW), { notBefore, wholeLane: true })
  const other = judge(answer(500, '', later), NOW)
  t.match(other, { notBefore })
  t.equal('wholeLane' in other, false, 'a 500 speaks for the message alone')
  t.equal('notBefore' in judge(answer(400, '', later), NOW), false)
  const silent = judge(answer(503, '', { 'retry-after': 'soon' }), NOW)
  t.equal('notBefore' in silent, false)
  t.equal('wholeLane' in silent, false, 'without a word there is none for the lane')
})

tap.test('at most 2 KiB are kept, printable, whole characters', async (t) => {
  for (const text of ['x'.repeat(5000), '€'.repeat(3000), '\u{1f600}'.repeat(2000)]) {
    const said = judge(answer(500, text), NOW).answer ?? ''
    t.ok(Buffer.byteLength(said) <= 2048)
    t.ok(Buffer.byteLength(said) > 2000)
    t.notMatch(said, /\ufffd/)
  }
  const wild = judge(answer(500, 'a\u0000b'), NOW)
  t.equal('answer' in wild, false, 'what holds a NUL is no text')
  const control = judge(answer(500, 'a\u001b[2J\u202eb\r\nc'), NOW)
  t.equal(control.answer, 'a [2J b c')
})

tap.test('bytes that are no UTF-8 are replaced', async (t) => {
  const bytes = Buffer.from([0x6e, 0x6f, 0xff, 0x21])
  const outcome = judge({ ...answer(500), bytes }, NOW)
  t.equal(outcome.answer, 'no\ufffd!')
  const many = judge({ ...answer(500), bytes: Buffer.alloc(4096, 0xff) }, NOW)
  t.ok(Buffer.byteLength(many.answer ?? '') <= 2048)
})

tap.test('an answer that comes packed is not read', async (t) => {
  const packed = judge(answer(500, 'gibberish', { 'content-encoding': 'br' }), NOW)
  t.equal('answer' in packed, false)
  t.equal(packed.reason, '500 Internal Server Error')
  const plain = judge(answer(500, 'words', { 'content-encoding': 'identity' }), NOW)
  t.equal(plain.answer, 'words')
})

function hide(text: string): string {
  return text.replaceAll('sesame', '***')
}

tap.test('what is to be hidden is hidden before it is cut', async (t) => {
  const outcome = judge(answer(403, `${'x'.repeat(115)}sesame open sesame`), NOW, hide)
  t.notMatch(JSON.stringify(outcome), /ses/)
  const moved = judge(answer(302, '', { location: '/hooks/sesame/' }), NOW, hide)
  t.match(moved.reason, 'Location /hooks/***/ ')
})

tap.test(
  'whatever comes back, the outcome is printable and within its limits',
  async () => {
    const anything = fc.record({
      status: fc.integer({ min: 200, max: 999 }),
      statusText: fc.string({ unit: 'binary' }),
      headers: fc.dictionary(
        fc.constantFrom('location', 'retry-after', 'date', 'content-encoding'),
        fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' }))),
      ),
      bytes: fc.uint8Array({ maxLength: 4096 }),
    })
    fc.assert(
      fc.property(anything, (given) => {
        const { reason, answer: said = '' } = judge(given, NOW)
        return (
          reason.length > 0 &&
          reason.length < 400 &&
          Buffer.byteLength(said) <= 2048 &&
          !/[\u0000-\u001f\u007f-\u009f]/.test(reason + said)
        )
      }),
    )
  },
)

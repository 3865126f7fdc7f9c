/**
 * envelope - what was sealed reads back the same; what is garbage is refused, and no more.
 */
import { createHash } from 'node:crypto'

import tap from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import type { Draft } from '../../src/message/draft.ts'
import {
  FORMAT_VERSION,
  NewerFormatError,
  parseEnvelope,
  parseObject,
  seal,
  sha256,
} from '../../src/message/envelope.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const PARENT = '01JD3Z8K6Q00000000000000AA'
const NOW = Date.parse('2026-11-20T10:15:00.123Z')
const accepted = { id: ID, now: NOW, sender: { uid: 1000, user: 'ann', host: 'box' } }

tap.test('a seal holds identity, time, sender and the proof of the body', async (t) => {
  const body = Buffer.from('hello')
  t.strictSame(seal({ to: 'crm' }, body, { ...accepted, parent: PARENT }), {
    v: FORMAT_VERSION,
    id: ID,
    to: 'crm',
    createdAt: '2026-11-20T10:15:00.123Z',
    sender: { uid: 1000, user: 'ann', host: 'box' },
    parent: PARENT,
    bytes: 5,
    sha256: createHash('sha256').update('hello').digest('hex'),
  })
  t.equal(sha256(Buffer.alloc(0)).slice(0, 8), 'e3b0c442', 'of nothing too')
})

tap.test('the members that a reader looks for come first', async (t) => {
  const sealed = seal({ subject: 's', to: 'crm' }, Buffer.from(''), accepted)
  t.strictSame(Object.keys(sealed).slice(0, 3), ['v', 'id', 'to'])
})

tap.test('a draft cannot bring an identity or a proof of its own', async (t) => {
  const forged = {
    to: 'crm',
    v: 9,
    id: PARENT,
    createdAt: '1999-01-01T00:00:00Z',
    sender: { uid: 0 },
    parent: PARENT,
    bytes: 9,
    sha256: 'x',
    other: true,
    subject: undefined,
  } as unknown as Draft
  t.strictSame(
    seal(forged, Buffer.from('x'), accepted),
    seal({ to: 'crm' }, Buffer.from('x'), accepted),
  )
})

const good = () =>
  JSON.parse(JSON.stringify(seal({ to: 'crm' }, Buffer.from('x'), accepted))) as Record<
    string,
    unknown
  >

/** What becomes of a line: nothing, or the message of a MsgqError; all else is thrown on. */
function refusal(written: string): string {
  try {
    parseEnvelope(written)
    return ''
  } catch (error) {
    if (error instanceof MsgqError && error.code === 'data') return error.message
    throw error
  }
}

tap.test('a line of the deepest nesting is refused like any other', async (t) => {
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
  for (const member of ['v', 'id', 'to', 'method', 'level', 'notBefore', 'headers']) {
    const written = JSON.stringify({ ...good(), [member]: 'DEEP' }).replace('"DEEP"', deep)
    const said = refusal(written)
    t.match(said, /\w/, member)
    t.ok(said.length < 200, 'and not repeated')
  }
})

tap.test('what disproves an envelope is named', async (t) => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ v: 0 }, /^envelope: v is not 1/],
    [{ v: '1' }, /^envelope: v/],
    [{ v: undefined }, /^envelope: v/],
    [{ id: undefined }, /^envelope: id/],
    [{ id: ID.toLowerCase() }, /^envelope: id/],
    [{ id: 5 }, /^envelope: id/],
    [{ sender: undefined }, /^envelope: sender/],
    [{ sender: {} }, /^envelope: sender/],
    [{ sender: { uid: '0' } }, /^envelope: sender/],
    [{ sender: { uid: -1 } }, /^envelope: sender/],
    [{ sender: { uid: 0, user: {} } }, /^envelope: sender/],
    [{ parent: 'x' }, /^envelope: parent/],
    [{ bytes: -1 }, /^envelope: bytes/],
    [{ bytes: 1.5 }, /^envelope: bytes/],
    [{ bytes: '1' }, /^envelope: bytes/],
    [{ sha256: 'abc' }, /^envelope: sha256/],
    [{ sha256: ['0'.repeat(64)] }, /^envelope: sha256/],
    [{ createdAt: 'soon' }, /^envelope: createdAt/],
    [{ createdAt: 5 }, /^envelope: createdAt/],
    [{ createdAt: { toString: 1, valueOf: 1 } }, /^envelope: createdAt/],
    [{ to: undefined }, /^to: is missing/],
    [{ to: 'https://h/\nx' }, /^to: has a control character/],
    [{ headers: { a: 'b\r\nc: d' } }, /^headers: a has a character/],
  ]
  t.equal(refusal(JSON.stringify(good())), '')
  for (const [change, why] of cases)
    t.match(refusal(JSON.stringify({ ...good(), ...change })), why)
})

tap.test('members that we do not know are left alone', async (t) => {
  t.match(parseEnvelope(JSON.stringify({ ...good(), 'x-own': [1] })), { 'x-own': [1] })
})

tap.test('a message of a later msgq is told apart, and not judged further', async (t) => {
  for (const v of [2, 999, 1e300])
    try {
      parseEnvelope(JSON.stringify({ v, id: 'unknown' }))
      t.fail('it was read')
    } catch (error) {
      t.ok(error instanceof NewerFormatError, String(v))
    }
  t.throws(() => parseEnvelope('{"v":2}'), { code: 'data', message: /format 2 is newer/ })
})

tap.test('line 1 is a JSON object or nothing', async (t) => {
  t.strictSame(parseObject('{"a":1}'), { a: 1 })
  for (const bad of ['', 'null', '5', '"a"', '[]', '{', '{"a":1}{', '\ufeff{}', 'to: crm'])
    t.throws(() => parseObject(bad), {
      code: 'data',
      message: /^envelope: line 1 is no JSON/,
    })
})

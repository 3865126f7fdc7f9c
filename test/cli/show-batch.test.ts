/**
 * show-batch - what `show --batch` prints, `send --batch` takes: the same message to the byte.
 */
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'

import { batchLine } from '../../src/cli/show-batch.ts'
import { composeLine } from '../../src/intake/batch-line.ts'
import { DEFAULT_LIMITS } from '../../src/config/limits.ts'
import type { Draft } from '../../src/message/draft.ts'
import { checkDraft } from '../../src/message/draft.ts'
import { seal } from '../../src/message/envelope.ts'
import { put } from '../config/machine.ts'
import { HOUR, NOON, World } from './world.ts'

const TERMS = { ...DEFAULT_LIMITS, destinations: new Map() }
const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'

const someText = fc.string({ unit: 'binary', maxLength: 40 })
const someDraft = fc.record(
  {
    to: fc.constantFrom('https://h.example/T0/s3cret', 'https://h.example/?key=1'),
    method: fc.constantFrom('PUT', 'POST'),
    headers: fc.constant({ 'x-token': 's3cret', 'x-b': 'c d' }),
    contentType: fc.constantFrom('application/json', 'text/plain'),
    subject: someText,
    level: fc.constantFrom('info', 'critical'),
    key: someText,
    notBefore: fc.constant(new Date(NOON + HOUR).toISOString()),
    expiresAt: fc.constant(new Date(NOON + 2 * HOUR).toISOString()),
    hold: fc.boolean(),
  },
  { requiredKeys: ['to'], noNullPrototype: true },
) as fc.Arbitrary<Draft>
const someBody = fc.oneof(
  fc.json().map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(JSON.stringify(JSON.parse(text), undefined, 1))),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('1.0', '12345678901234567890', ' {}', '"\u202e"', '{"a":"\u202e"}')
    .map((text) => Buffer.from(text)),
)

t.test('what it prints is read as the same message', async () => {
  fc.assert(
    fc.property(someDraft, someBody, (draft, body) => {
      try {
        checkDraft(draft)
      } catch {
        return
      }
      // Bytes that are no text get a type where they are sent.
      const typed = { contentType: 'application/octet-stream', ...draft }
      const envelope = seal(typed, body, { id: ID, now: NOON, sender: { uid: 0 } })
      const line = batchLine(envelope, body)
      const read = composeLine(Buffer.from(line.trimEnd()), {
        to: undefined,
        terms: TERMS,
        now: NOON,
      })
      const again = seal(read.draft, read.body, { id: ID, now: NOON, sender: { uid: 0 } })
      if (
        JSON.stringify(again) !== JSON.stringify(envelope) ||
        line.indexOf('\n') + 1 < line.length
      )
        throw new Error(`${line} was read as ${JSON.stringify(again)}`)
    }),
    { numRuns: 1_000 },
  )
})

t.test('from one command to the other', async (t) => {
  const world = await World.open(t)
  const to = 'https://hooks.example/T0/B1/s3cret'
  const body = '{"n": 1.0, "who": "ann"}'
  const draft = {
    to,
    subject: 'paid',
    contentType: 'application/json',
    hold: true,
  } as const
  const id = await world.send({ ...draft, headers: { 'x-token': 's3cret' } }, body)
  const { code, out, err } = await world.run('show', id, '--batch')
  t.strictSame([code, err], [0, ''])
  t.match(out, '"body":{"n": 1.0, "who": "ann"}}\n')
  const file = put(join(world.folder, 'line'), out)
  const sent = await world.run('send', '--batch', '-d', `@${file}`)
  t.equal(sent.code, 0, sent.err)
  const [old, made] = [await world.engine.get(id), await world.engine.get(sent.out.trim())]
  const same = (envelope: object | undefined) => {
    const own = new Set(['id', 'createdAt', 'sender'])
    return Object.entries(envelope ?? {}).filter(([name]) => !own.has(name))
  }
  t.strictSame(same(made?.envelope), same(old?.envelope))
})

t.test('a key is not sent twice unawares', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm', key: 'order-7' })
  const { out, err } = await world.run('show', id, '--batch')
  t.same(JSON.parse(out), { to: 'crm', key: 'order-7', body: 'hello' })
  t.match(err, /^msgq: show: it has a key/)
})

import fc from 'fast-check'
import t from 'tap'

import { seal } from '../../src/message/envelope.ts'
import type { Draft } from '../../src/message/draft.ts'
import { fingerprint, isKeyed, keyDigest, wasRequeued } from '../../src/message/key.ts'
import type { Keyed } from '../../src/message/key.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y000000'

function sealed(draft: Draft, body = 'x', uid = 1000, now = 0): Keyed {
  const sender = { uid, user: `user ${uid}`, host: `host ${now}` }
  const bytes = Buffer.from(body)
  return seal({ key: 'k', ...draft }, bytes, { id: ID, now, sender }) as Keyed
}

t.test('only a message with a key is keyed', async (t) => {
  t.ok(isKeyed(sealed({ to: 'ops' })))
  const { key: _, ...plain } = sealed({ to: 'ops' })
  t.notOk(isKeyed(plain))
})

t.test('the digest is that of the uid and the key, and of nothing else', async (t) => {
  const one = keyDigest(sealed({ to: 'ops' }))
  t.equal(keyDigest(sealed({ to: 'crm', method: 'PUT' }, 'y', 1000, 9)), one)
  t.not(keyDigest(sealed({ to: 'ops' }, 'x', 1001)), one)
  t.not(keyDigest(sealed({ to: 'ops', key: 'l' })), one)
  const digests = fc.property(fc.nat(), fc.string({ minLength: 1 }), (uid, key) => {
    t.match(keyDigest(sealed({ to: 'ops', key }, 'x', uid)), /^[0-9a-f]{64}$/)
  })
  fc.assert(digests)
  // Nobody gets the key of another by choosing his own.
  t.not(
    keyDigest(sealed({ to: 'ops', key: '1k' }, 'x', 1)),
    keyDigest(sealed({ to: 'ops', key: 'k' }, 'x', 11)),
  )
})

t.test('headers are the same in any order and case', async () => {
  const name = fc.stringMatching(/^[a-z][a-z-]{0,8}$/)
  const headers = fc.dictionary(name, fc.string(), { maxKeys: 5 })
  fc.assert(
    fc.property(headers, (given) => {
      const turned = Object.entries(given).toReversed()
      const loud = Object.fromEntries(
        turned.map(([key, value]) => [key.toUpperCase(), value]),
      )
      return (
        fingerprint(sealed({ to: 'ops', headers: given })) ===
        fingerprint(sealed({ to: 'ops', headers: loud }))
      )
    }),
  )
})

t.test('what a receiver would see of a message is in the fingerprint', async (t) => {
  const plain: Draft = { to: 'ops' }
  const others: [Draft, string?][] = [
    [plain],
    [{ to: 'crm' }],
    [{ event: 'ops' }],
    [{ ...plain, method: 'PUT' }],
    [{ ...plain, headers: { a: 'b' } }],
    [{ ...plain, headers: { a: 'c' } }],
    [{ ...plain, contentType: 'text/html' }],
    [plain, 'y'],
  ]
  const prints = others.map(([draft, body]) => fingerprint(sealed(draft, body)))
  t.equal(new Set(prints).size, others.length)
  t.equal(fingerprint(sealed({ ...plain, subject: 's', level: 'info' })), prints[0])
})

t.test('an operator who requeues is not asked', async (t) => {
  const at = '2026-11-20T10:00:00.000Z'
  t.notOk(wasRequeued([]))
  t.notOk(wasRequeued([{ at, act: 'released' }]))
  t.ok(
    wasRequeued([
      { at, act: 'requeued' },
      { at, act: 'held' },
    ]),
  )
})

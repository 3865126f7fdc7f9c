/**
 * one-off - what one message takes in place of node:crypto is the same, and as random.
 */
import { createHash } from 'node:crypto'

import fc from 'fast-check'
import t from 'tap'

import { digestOnce, randomOnce } from '../../src/cli/one-off.ts'

const expected = (body: Uint8Array) => createHash('sha256').update(body).digest('hex')

void t.test('the digest is SHA-256', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      t.equal(digestOnce(body), expected(body))
    }),
  )
  for (const length of [55, 56, 63, 64, 65, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1]) {
    const body = Buffer.alloc(length, 'é')
    t.equal(digestOnce(body), expected(body), `${length} bytes`)
  }
})

void t.test('the bytes are filled, and never the same', async (t) => {
  const drawn = Array.from({ length: 100 }, () => randomOnce(Buffer.alloc(10)))
  t.equal(new Set(drawn.map(String)).size, 100)
  for (let at = 0; at < 10; at++)
    t.ok(new Set(drawn.map((bytes) => bytes[at])).size > 10, `byte ${at}`)
  const view = Buffer.alloc(20)
  randomOnce(view.subarray(5, 15))
  t.strictSame([view.subarray(0, 5), view.subarray(15)], [Buffer.alloc(5), Buffer.alloc(5)])
})

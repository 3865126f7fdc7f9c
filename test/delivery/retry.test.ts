/**
 * retry - when a message is tried again, and from when on no more.
 */
import fc from 'fast-check'
import t from 'tap'

import type { RetryOptions } from '../../src/config/config.ts'
import { backoff, expiryOf, lifetimeEnd } from '../../src/delivery/retry.ts'
import type { TrailLine } from '../../src/message/trail.ts'
import { RETRY, leaseOf } from './support.ts'

const DAY = 86_400_000

/** Whatever msgq.toml allows. */
const anyRetry: fc.Arbitrary<RetryOptions> = fc
  .record({
    min: fc.integer({ min: 1, max: 365 * DAY }),
    max: fc.integer({ min: 1, max: 365 * DAY }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map((given) => ({ ...RETRY, ...given, min: Math.min(given.min, given.max) }))
const anyTries = fc.integer({ min: 1, max: 1_000_000 })
const anyDice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

t.test('the delay doubles from the shortest to the longest and stays there', async (t) => {
  const delays = [1, 2, 3, 4, 11, 12, 13, 1_000_000].map((tries) =>
    backoff(tries, RETRY, 0.5),
  )
  t.strictSame(delays.slice(0, 4), [10_000, 20_000, 40_000, 80_000])
  t.strictSame(delays.slice(4), [10_240_000, 14_400_000, 14_400_000, 14_400_000])
})

t.test('jitter varies the delay by its share, either way', async (t) => {
  const retry = { ...RETRY, jitter: 0.2 }
  t.equal(backoff(1, retry, 0), 8_000)
  t.equal(backoff(1, retry, 0.5), 10_000)
  t.equal(backoff(1, retry, 0.75), 11_000)
})

t.test('the delay is a whole number within the bounds that were configured', async () => {
  fc.assert(
    fc.property(anyRetry, anyTries, anyDice, (retry, tries, dice) => {
      const delay = backoff(tries, retry, dice)
      return (
        Number.isSafeInteger(delay) &&
        delay >= Math.floor(retry.min * (1 - retry.jitter)) &&
        delay <= Math.ceil(retry.max * (1 + retry.jitter))
      )
    }),
  )
})

t.test('with the same dice a later try never waits less', async () => {
  fc.assert(
    fc.property(anyRetry, anyTries, anyTries, anyDice, (retry, a, b, dice) => {
      const [fewer, more] = [Math.min(a, b), Math.max(a, b)]
      return backoff(fewer, retry, dice) <= backoff(more, retry, dice)
    }),
  )
})

t.test('the lifetime counts from the latest of what began it', async (t) => {
  const accepted = Date.parse('2026-11-20T10:00:00.000Z')
  const at = (days: number) => new Date(accepted + days * DAY).toISOString()
  const act = (name: 'released' | 'requeued' | 'flushed' | 'held', days: number) =>
    ({ at: at(days), act: name, by: 'alice' }) as const
  const end = (notBefore: number | undefined, trail: TrailLine[]) => {
    const draft = notBefore === undefined ? {} : { notBefore: at(notBefore) }
    const lease = leaseOf(draft, { createdAt: accepted })
    return (lifetimeEnd(lease.envelope, trail, RETRY) - accepted) / DAY
  }
  t.equal(end(undefined, []), 5, 'accepted')
  t.equal(end(6, []), 11, "the sender's own earliest time")
  t.equal(end(-3, []), 5, 'an earliest time before it was sent')
  t.equal(end(undefined, [act('released', 2)]), 7, 'released')
  t.equal(end(undefined, [act('requeued', 9)]), 14, 'requeued')
  t.equal(end(undefined, [act('requeued', 3), act('released', 4)]), 9, 'the last of both')
  t.equal(end(6, [act('released', 2)]), 11, 'released before its earliest time')
  t.equal(end(6, [act('requeued', 8)]), 13, 'requeued after it')
  t.equal(
    end(undefined, [act('flushed', 2), act('held', 3)]),
    5,
    'other acts begin nothing',
  )
})

t.test('a lifetime of forever has no end', async (t) => {
  const { envelope } = leaseOf()
  t.equal(lifetimeEnd(envelope, [], { ...RETRY, lifetime: Infinity }), Infinity)
})

t.test("the sender's last moment is what they said, or never", async (t) => {
  t.equal(expiryOf(leaseOf().envelope), Infinity)
  const { envelope } = leaseOf({ expiresAt: '2026-11-20T11:00:00+01:00' })
  t.equal(expiryOf(envelope), Date.parse('2026-11-20T10:00:00.000Z'))
})

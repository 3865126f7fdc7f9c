/**
 * clock - the wall and the stopwatch.
 */
import tap from 'tap'

import { systemClock } from '../../src/base/clock.ts'

tap.test('the wall clock is the time of day, the monotonic one only goes on', async (t) => {
  const before = Date.now()
  const now = systemClock.now()
  t.ok(Math.abs(now - before) < 10_000)
  const first = systemClock.monotonic()
  t.ok(systemClock.monotonic() >= first)
  t.ok(first < now, 'it counts from somewhere near, and is no date')
})

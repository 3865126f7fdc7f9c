/**
 * linked - aborts with the first of several signals, and leaves nothing in the others.
 */
import { getEventListeners } from 'node:events'

import t from 'tap'

import { linked } from '../../src/base/linked.ts'

t.test('aborts with the first of them, once', async (t) => {
  const [one, other] = [new AbortController(), new AbortController()]
  const { signal } = linked(one.signal, other.signal)
  let heard = 0
  signal.addEventListener('abort', () => heard++)
  t.equal(signal.aborted, false)
  other.abort(new Error('enough'))
  one.abort(new Error('too late'))
  t.match(signal, { aborted: true, reason: { message: 'enough' } })
  t.equal(heard, 1)
  t.match(linked(one.signal).signal, { aborted: true, reason: { message: 'too late' } })
})

t.test('nothing of it stays in a signal that lives on', async (t) => {
  const long = new AbortController()
  const warnings: Error[] = []
  const hear = (warning: Error) => warnings.push(warning)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  const links = Array.from({ length: 100 }, () => {
    const short = new AbortController()
    return { short, link: linked(long.signal, short.signal) }
  })
  t.equal(getEventListeners(long.signal, 'abort').length, 100)
  for (const [at, { short, link }] of links.entries())
    if (at % 2 === 0) link.release()
    else short.abort()
  t.equal(getEventListeners(long.signal, 'abort').length, 0)
  long.abort()
  t.equal(links[0]!.link.signal.aborted, false, 'released, it hears nothing any more')
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [], 'many at once are no leak')
})

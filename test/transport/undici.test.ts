/**
 * undici - the daemon loads a part of undici, and it is the same as that of the whole.
 */
import { createRequire } from 'node:module'
import t from 'tap'

import * as part from '../../src/transport/undici.ts'

t.test('undici is loaded in part, and where undici has it', async (t) => {
  const load = createRequire(import.meta.url)
  const index = load.resolve('undici')
  t.notOk(index in load.cache, 'not the whole of it')
  const whole = load('undici') as typeof import('undici')
  t.ok(index in load.cache, 'that can be told')
  for (const name of ['Pool', 'buildConnector', 'errors'] as const)
    t.equal(part[name], whole[name], name)
})

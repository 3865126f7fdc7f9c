/**
 * report - what the peers did, beside msgq.
 */
import t from 'tap'

import type { PeerResult } from '../kept.ts'
import { middle, peerTable } from './report.ts'

function result(name: string, deliver: number, cpu?: number): PeerResult {
  const common = { name, count: 20_000, enqueueOne: 1_000, enqueueMany: 4_000, deliver }
  return cpu === undefined ? common : { ...common, cpu }
}

t.test('of several rounds the middle of each figure counts', async (t) => {
  const rounds = [result('msgq', 900, 80), result('msgq', 1_200, 70), result('msgq', 1, 90)]
  t.same(middle(rounds), result('msgq', 900, 80))
  t.same(middle([result('x', 5)]), result('x', 5), 'what nobody measured is not there')
})

t.test('each peer says how many times as fast msgq is', async (t) => {
  const lines = peerTable([result('msgq', 9_000, 80), result('other', 3_000)]).split('\n')
  t.match(lines[1], /^msgq +20000 +1000 +4000 +9000 +80$/)
  t.match(lines[2], /^other +20000 +1000 \(msgq 1.00 times\) .* 3000 \(msgq 3.00 times\)$/)
})

t.test('without msgq there is nothing to compare with', async (t) => {
  t.notMatch(peerTable([result('other', 3_000)]), /times/)
})

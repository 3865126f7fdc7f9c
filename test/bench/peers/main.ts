/**
 * main - `npm run bench:peers [-- --install | [--quick] [--keep] [--rounds N] [NAME...]]`: the same
 * work for msgq and its peers, in turn, on the same disk.
 *
 * Peers that are not installed are named and skipped. Their services are started here, for this
 * run alone, with their data below .bench.
 */
import { parseArgs } from 'node:util'

import { endAll } from '../children.ts'
import { keepResults } from '../kept.ts'
import type { PeerResult } from '../kept.ts'
import { isWanted } from '../options.ts'
import { onStage } from '../stage.ts'
import { bullmq } from './bullmq.ts'
import { graphile } from './graphile.ts'
import { msgq } from './msgq.ts'
import { installPackages } from './packages.ts'
import type { Peer } from './peer.ts'
import { postfix } from './postfix.ts'
import { middle, peerTable } from './report.ts'

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    install: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    journal: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
  },
})
const count = values.quick ? 2_000 : 20_000
const rounds = values.quick ? 1 : Number(values.rounds)
const peers: Peer[] = []
if (values.install) installPackages()
else
  for (const peer of [msgq, bullmq, graphile, postfix]) {
    const lacks = peer.missing()
    if (lacks !== undefined) console.log(`skipped: ${peer.name}: needs ${lacks}`)
    else if (peer === msgq || isWanted(peer.name, { names })) peers.push(peer)
  }

const results = new Map<string, PeerResult[]>()
if (peers.length > 0) {
  await onStage(values, async () => {
    for (let round = 0; round < rounds; round++)
      for (const peer of peers) {
        try {
          const result = await peer.measure(count)
          results.set(peer.name, [...(results.get(peer.name) ?? []), result])
          console.log(JSON.stringify(result))
        } catch (error) {
          console.log(`FAILED ${peer.name}: ${String(error)}`)
          process.exitCode = 1
        }
        await endAll()
      }
  })
  const all = [...results.values()].map(middle)
  if (all.length > 0) console.log(`\n${peerTable(all)}`)
  if (values.keep && !values.quick) keepResults({ peers: all })
}
// The client of a peer that failed may try for ever to reach it again.
process.exit()

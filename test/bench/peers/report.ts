/**
 * report - what the peers did, beside msgq in the same run.
 */
import { columns, median } from '../figure.ts'
import type { PeerResult } from '../kept.ts'

const MEASURES = ['enqueueOne', 'enqueueMany', 'deliver'] as const

/** One result out of several rounds: the median of each. */
export function middle(rounds: readonly PeerResult[]): PeerResult {
  const of = (pick: (one: PeerResult) => number) => median(rounds.map(pick))
  const { cpu, ...first } = rounds[0]!
  const merged = {
    ...first,
    ...Object.fromEntries(MEASURES.map((name) => [name, of((one) => one[name])])),
  }
  return cpu === undefined ? merged : { ...merged, cpu: of((one) => one.cpu ?? NaN) }
}

/** A table for people: each peer, and how many times as fast msgq is. */
export function peerTable(results: readonly PeerResult[]): string {
  const ours = results.find(({ name }) => name === 'msgq')
  const times = (is: PeerResult, measure: (typeof MEASURES)[number]) =>
    ours === undefined || is === ours
      ? `${is[measure]}`
      : `${is[measure]} (msgq ${(ours[measure] / is[measure]).toFixed(2)} times)`
  return columns([
    ['a second', 'messages', 'enqueue, one', 'enqueue, 32', 'deliver', 'CPU us a message'],
    ...results.map((one) => [
      one.name,
      String(one.count),
      ...MEASURES.map((measure) => times(one, measure)),
      one.cpu === undefined ? '' : String(one.cpu),
    ]),
  ])
}

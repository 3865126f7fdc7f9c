/**
 * enqueue - durable sends in one process, against the four calls that none can do without.
 */
import { durable, durableName } from './durable.ts'
import { figure, mean } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, NOBODY, inFlight, outboxOf, rate, scratch } from './ground.ts'

const ROUNDS = 4

/** Durable messages a second, so many under way at once. */
export async function enqueue(count: number, width: number): Promise<Figure[]> {
  const share = Math.ceil(count / ROUNDS)
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  await ourRate(100, width)
  // In turn, so that a slow spell of the disk meets both; each on a fresh folder.
  for (let round = 0; round < ROUNDS; round++) {
    rates.theirs.push(await durable(share, width))
    rates.ours.push(await ourRate(share, width))
  }
  return [
    figure({
      name: width === 1 ? 'enqueue, one after the other' : `enqueue, ${width} at once`,
      unit: 'per s',
      value: mean(rates.ours),
      baseline: mean(rates.theirs),
      against: durableName(width),
      target: { of: 'ratio', least: width === 1 ? 0.9 : 0.75 },
    }),
  ]
}

/** Of this process alone. */
export async function ourRate(count: number, width: number): Promise<number> {
  const outbox = await outboxOf(scratch())
  const message = { draft: { to: NOBODY }, body: BODY, sender: { uid: 0 } }
  return rate(count, () => inFlight(count, width, () => outbox.enqueue(message)))
}

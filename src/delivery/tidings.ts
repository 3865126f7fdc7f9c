/**
 * tidings - what there is to tell of a lane: how many, why, and the first few as they are.
 */
import { EXCERPT, reasonOf } from './notice.ts'
import type { Tidings, Told } from './notice.ts'
import type { Met, Untold } from './untold.ts'

/** So many are told one by one. */
export const FIRST = 5

/** One that is told of. */
export interface Telling extends Met {
  /** Its trail says already that somebody was told. */
  readonly isLinked: boolean
}

export interface Gathered {
  /** Of those in the sample, the first to whom it happened first. */
  readonly told: readonly Telling[]
  /** Undefined where there is nothing to tell, or nothing but notices. */
  readonly tidings: Tidings | undefined
}

/** Gathers what there is to tell of what happened up to a time. */
export async function gather(
  untold: Untold | undefined,
  upTo: number,
  about: Pick<Tidings, 'kind' | 'lane' | 'now' | 'host'>,
): Promise<Gathered> {
  const reasons = new Map<string, number>()
  const sample = (untold?.sample ?? [])
    .filter(({ at }) => at <= upTo)
    .toSorted((a, b) => a.at - b.at || (a.met.entry.id < b.met.entry.id ? -1 : 1))
  const told: Telling[] = []
  const first: Told[] = []
  for (const one of sample) {
    const story = await one.met.story()
    if (story === undefined || story.envelope?.notice !== undefined) continue
    const { envelope, trail } = story
    const reason = reasonOf(trail)
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    const isLinked = trail.some((line) => 'act' in line && line.act === 'noticed')
    told.push({ ...one, isLinked })
    if (first.length >= FIRST) continue
    const body = await beginningOf(one)
    const { entry } = one.met
    first.push({
      entry,
      at: one.at,
      envelope,
      trail,
      ...(body === undefined ? {} : { body }),
    })
  }
  if (untold === undefined || told.length === 0) return { told, tidings: undefined }
  const tidings: Tidings = {
    ...about,
    count: untold.count - (untold.sample.length - told.length),
    since: told[0]!.at,
    until: Math.min(untold.last, upTo),
    reasons: [...reasons].toSorted(([, a], [, b]) => b - a),
    told: first,
  }
  return { told, tidings }
}

async function beginningOf({ met }: Met): Promise<Uint8Array | undefined> {
  try {
    const body = await met.body()
    if (body === undefined) return undefined
    if (body.kind === 'bytes') return body.bytes.subarray(0, EXCERPT)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body.open()) {
      chunks.push(Buffer.from(chunk as Buffer))
      length += (chunk as Buffer).length
      if (length >= EXCERPT) break
    }
    return Buffer.concat(chunks).subarray(0, EXCERPT)
  } catch {
    // The report is worth more than the beginning of one body.
    return undefined
  }
}

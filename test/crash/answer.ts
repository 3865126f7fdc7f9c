/**
 * answer - whether what an operator's verb has said is true.
 *
 * With --json it names each message that it took, and whether it is done. What is said to be
 * done has to be where the verb moves it; and of each message something has to be said, or the
 * verb has to fail.
 */
import { parseName } from '../../src/queue/spool/name.ts'
import { takeCensus } from './census.ts'
import type { Ground } from './ground.ts'
import type { Ran } from './program.ts'
import type { Scenario } from './scenario.ts'
import type { Wrong } from './wrong.ts'

interface Line {
  readonly id?: string
  readonly result?: string
}

/** The messages that a verb has to name: all of them, with their ids. */
export type Named = ReadonlyMap<string, string>

/** The id of each message in a spool, by its mark. */
export function idsIn(ground: Ground): Named {
  const { places } = takeCensus(ground.spool)
  return new Map(
    [...places].flatMap(([mark, [place = '']]) => {
      const id = parseName(place.split('/')[1] ?? '')?.id
      return id === undefined ? [] : [[mark, id] as const]
    }),
  )
}

/** What of a verb's answer is not true, as long as nothing else has touched the spool. */
export function lies(
  ground: Ground,
  { leads, again }: Scenario,
  { code, out }: Ran,
  before: Named,
): Wrong[] {
  if (leads === undefined || !again) return []
  const texts: string[] = []
  const lines = linesOf(out)
  const { places } = takeCensus(ground.spool)
  for (const [mark, id] of before) {
    const said = lines.find((line) => line.id === id)?.result
    const at = places.get(mark)?.[0]?.split('/')[0] ?? 'gone'
    if (said === 'done' && at !== leads)
      texts.push(`${mark} is said to be done, and is ${at}`)
    if (said === undefined && code === 0) texts.push(`nothing is said of ${mark}`)
    if (said === 'skipped' && at === leads) texts.push(`${mark} is skipped, and is ${at}`)
  }
  return texts.map((text) => ({ kind: 'other', text }))
}

function linesOf(out: string): Line[] {
  const rows = out.split('\n').filter((row) => row.startsWith('{') && row.endsWith('}'))
  return rows.map((row) => JSON.parse(row) as Line)
}

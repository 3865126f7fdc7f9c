/**
 * past-page - a message that is gone, on a page: how it ended, and what the journal tells. Pure.
 */
import { printable } from '../base/text.ts'
import { idTime, isId, shortId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { briefSpan, exactTime, tookText } from './clock-text.ts'
import { familyText } from './family.ts'
import type { Family } from './family.ts'
import type { Screen } from './screen.ts'
import type { Story } from './story.ts'
import { present } from './summary.ts'
import { NOTHING, cutAt, formatTable } from './table.ts'
import type { Column } from './table.ts'

const COLUMNS: readonly Column[] = [
  { head: '  TRY', align: 'right' },
  { head: 'WHEN' },
  { head: 'TOOK', align: 'right' },
  { head: 'EVENT' },
  { head: 'ANSWER', most: 500 },
]

/** How a message ended: `delivered 12:00:03 (4m ago)`. */
export function endText({ lines }: Story, now: number): string {
  const end = endOf(lines)
  if (end === undefined) return 'gone, and the journal does not say how'
  const { event, by, reason, of } = end
  const at = Date.parse(end.at)
  const when = `${exactTime(at, now)} (${briefSpan(now - at)} ago)`
  if (event === 'repeat') return `dropped ${when}: a repeat of ${of}, by its key`
  const who = by === undefined ? '' : ` by ${by}`
  const why = event === 'deleted' && reason !== undefined ? `: "${reason}"` : ''
  return `${event}${who} ${when}${why}`
}

/** The last line after which a message is in no folder; undefined where none says so. */
export function endOf(lines: readonly JournalLine[]): JournalLine | undefined {
  return lines.findLast(({ event }) => ENDS.has(event))
}

const ENDS: ReadonlySet<string> = new Set([
  'delivered',
  'deleted',
  'dropped',
  'expanded',
  'repeat',
])

/** The page of a message that is gone. */
export function pastPage(
  story: Story,
  siblings: Family,
  now: number,
  screen: Screen,
): string {
  const { id, lines } = story
  const { edge, head } = screen
  const queued = lines.find(({ event }) => event === 'queued')
  const facts: [string, string | undefined][] = [
    ['to', toOf(lines)],
    ['from', queued?.by],
    ['key', queued?.key],
    ['parent', queued?.parent],
    ['siblings', familyText(siblings)],
    ['became', became(lines)?.join(', ')],
    ['times', isId(id) ? `accepted ${exactTime(idTime(id), now)}` : undefined],
  ]
  const [heads, ...rows] = formatTable(
    COLUMNS,
    lines.map((line) => cellsOf(line, now)),
    edge,
  )
  const text = [
    head(printable(`${id}  ${endText(story, now)}`, 1_000)),
    ...facts.flatMap(([name, fact]) =>
      fact === undefined ? [] : [`  ${name.padEnd(8)}  ${printable(fact, 1_000)}`],
    ),
    '',
    head(cutAt(heads!, edge)),
    ...rows,
    `  its body is gone; more: msgq log ${shortId(id)} --json`,
  ]
  return text.map((line) => `${line}\n`).join('')
}

/** The same as JSON. The members are public. */
export function pastJson({ id, lines }: Story, siblings: Family): object {
  const end = endOf(lines)
  return present({
    id,
    state: 'gone',
    to: toOf(lines),
    lane: lines.find(({ lane }) => lane !== undefined)?.lane,
    createdAt: isId(id) ? new Date(idTime(id)).toISOString() : undefined,
    outcome: end?.event,
    endedAt: end?.at,
    by: end?.by,
    of: end?.of,
    siblings: siblings.size === 0 ? undefined : [...siblings.keys()],
    children: became(lines),
    journal: lines,
  })
}

/** The messages that an event became. */
function became(lines: readonly JournalLine[]): readonly string[] | undefined {
  const all = new Set(lines.flatMap(({ children = [] }) => children))
  return all.size === 0 ? undefined : [...all]
}

function toOf(lines: readonly JournalLine[]): string | undefined {
  const line = lines.find(({ to }) => to !== undefined)
  return line?.to ?? lines.find(({ lane }) => lane !== undefined)?.lane
}

function cellsOf(line: JournalLine, now: number): string[] {
  const { at, event, ms, by, reason, try: number } = line
  const who = by === undefined ? '' : `by ${by}`
  const what = [who, reason].filter((part) => part !== undefined && part !== '').join(': ')
  return [
    number === undefined ? NOTHING : String(number),
    exactTime(Date.parse(at), now),
    ms === undefined ? NOTHING : tookText(ms),
    event,
    what,
  ]
}

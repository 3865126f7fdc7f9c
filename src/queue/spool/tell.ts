/**
 * tell - writes a line into the trail of a message, where the file is now.
 *
 * The name is the truth and the trail is the story: what cannot be written is reported, and
 * never stops a move. Without parsing, so that a file that kills who reads it does no harm here.
 */
import { appendLine } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'
import { plainLine } from '../journal.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'
import { parseName } from './name.ts'

interface Deps {
  readonly layout: Layout
  readonly report: (report: Report) => void
}

/** Appends a line to the trail of a file. One that is gone is told nothing. */
export function tell(deps: Deps, state: State, file: string, line: TrailLine): void {
  const { layout, report } = deps
  try {
    appendLine(layout.file(state, file), formatTrailLine(line))
  } catch (error) {
    if (isMissing(error)) return
    const message = `trail of ${state}/${file}: ${plainError(error)}`
    report({ level: 'warn', event: 'trouble', message })
  }
}

/** Tells that a message was held because its sender said so. */
export function tellHold(
  deps: Deps & { readonly note: (line: JournalLine) => void },
  now: number,
  state: State,
  file: string,
): void {
  const at = new Date(now).toISOString()
  const reason = 'its sender said hold'
  tell(deps, state, file, { at, act: 'held', reason })
  const name = parseName(file)
  if (name !== undefined) deps.note(plainLine('held', name, now, reason))
}

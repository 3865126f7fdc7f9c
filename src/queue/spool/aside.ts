/**
 * aside - puts what is no message into corrupt/, with its reason behind its last byte.
 *
 * The reason stands behind a newline of its own, so that a file made by hand, which somebody
 * mends and requeues, is taken in without it. Where the line cannot be written the move counts:
 * the reason is reported as well.
 */
import type { Clock } from '../../base/clock.ts'
import { appendApart } from '../../base/durable.ts'
import { printable } from '../../base/text.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine, isAttempt, parseTrail } from '../../message/trail.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, parseName, unclaimed } from './name.ts'

interface Deps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly report: (report: Report) => void
}

/** Moves a file to corrupt/, and says why: in the file, and to whoever hears reports. */
export function putAside(deps: Deps, from: State, file: string, why: string): void {
  const { layout, mover, clock, report } = deps
  const name = parseName(file)
  const target = name === undefined ? file : formatName(unclaimed(name))
  const aside = mover.move(from, file, 'corrupt', target)
  if (aside === undefined) return
  const reason = printable(why)
  const at = new Date(clock.now()).toISOString()
  try {
    const line = formatTrailLine({ at, act: 'corrupt', reason })
    appendApart(layout.file('corrupt', aside), line)
  } catch {
    // A link or a folder takes no line.
  }
  report({
    level: 'error',
    event: 'corrupt',
    ...(name === undefined ? {} : { id: name.id, lane: name.lane }),
    message: `put into corrupt/: ${reason}`,
  })
}

/** What a file held before reasons were written behind its last byte. */
export function withoutReasons(bytes: Buffer): Buffer {
  const before = bytes.lastIndexOf(0x0a, -2)
  if (before < 0) return bytes
  const [line] = parseTrail(bytes.toString('utf8', before + 1))
  if (line === undefined || isAttempt(line) || line.act !== 'corrupt') return bytes
  return withoutReasons(bytes.subarray(0, before))
}

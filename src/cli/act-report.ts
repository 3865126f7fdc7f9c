/**
 * act-report - what came of an act, for people and for programs.
 */
import { shortId } from '../message/id.ts'
import type { Act, ActResult } from '../queue/queue.ts'

export interface ActReport {
  readonly act: Act
  readonly result: ActResult
  readonly absent: readonly string[]
  readonly dryRun: boolean
  /** What a person should know of a message that is done, by its id. */
  readonly notes: ReadonlyMap<string, string>
  /** Those of which nobody knows whether they are done: with a daemon that fell silent. */
  readonly unknown: ActResult['skipped']
  /** Lanes that were opened. */
  readonly opened?: number
  /** What was skipped needs no names: all of it for one reason, which is told apart. */
  readonly brief?: boolean
}

/** Skipped messages, and reasons, that are named without being asked to. */
const SHOWN = { messages: 10, reasons: 3 } as const

const DONE: Readonly<Record<Act, string>> = {
  flush: 'flushed',
  hold: 'held',
  release: 'released',
  requeue: 'requeued',
  delete: 'deleted',
  expire: 'expired',
}

/** Lines that end with `matched 3, done 2, skipped 1 (in flight)`. */
export function textReport(report: ActReport, verbose = false): string {
  const { act, result, dryRun, notes, unknown, opened = 0, brief = false } = report
  const { matched, done, skipped, made } = result
  const lines: string[] = []
  // Who sent one on needs its new id; a note is for whoever asked.
  const isTold = (id: string) => notes.has(id) || (made?.has(id) ?? false)
  const told = verbose ? done : done.filter(isTold).slice(0, SHOWN.messages)
  for (const id of told) {
    const as = made?.has(id) ? ` as ${made.get(id)}` : ''
    const note = notes.get(id)
    const more = note === undefined ? '' : `: ${note}`
    lines.push(`${shortId(id)} ${dryRun ? 'to be ' : ''}${DONE[act]}${as}${more}`)
  }
  const named = verbose ? skipped : skipped.slice(0, brief ? 0 : SHOWN.messages)
  for (const { id, why } of named) lines.push(`${shortId(id)} skipped: ${why}`)
  if (named.length < skipped.length && !brief)
    lines.push(`... and ${skipped.length - named.length} more skipped (-v shows all)`)
  for (const { id, why } of unknown)
    lines.push(`${shortId(id)} perhaps ${DONE[act]}: ${why}`)
  const open = unknown.length === 0 ? '' : `, not known ${unknown.length}`
  const lanes = opened === 0 ? '' : `, ${opened} ${opened === 1 ? 'lane' : 'lanes'} opened`
  lines.push(
    `matched ${matched}, ${dryRun ? 'to do' : 'done'} ${done.length}, skipped ${skipped.length}${reasons(skipped)}${open}${lanes}${dryRun ? '; dry run, nothing was changed' : ''}`,
  )
  return lines.map((line) => `${line}\n`).join('')
}

function reasons(skipped: ActResult['skipped']): string {
  const counts = new Map<string, number>()
  for (const { why } of skipped) counts.set(why, (counts.get(why) ?? 0) + 1)
  if (counts.size === 0) return ''
  if (counts.size === 1) return ` (${[...counts.keys()][0]})`
  const most = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN.reasons)
  const more = counts.size > most.length ? ', ...' : ''
  return ` (${most.map(([why, count]) => `${count} ${why}`).join(', ')}${more})`
}

/** A line of JSON for each message, and one with the totals. The members are public. */
export function jsonReport(report: ActReport): string {
  const { act, result, absent, dryRun, notes, unknown, opened } = report
  const { matched, done, skipped, made } = result
  const totals = {
    matched,
    done: done.length,
    skipped: skipped.length,
    absent: absent.length,
    ...(unknown.length === 0 ? {} : { unknown: unknown.length }),
    ...(opened === undefined ? {} : { opened }),
  }
  const lines = [
    ...done.map((id) => ({
      id,
      result: 'done',
      ...(made === undefined ? {} : { as: made.get(id) }),
      note: notes.get(id),
    })),
    ...skipped.map(({ id, why }) => ({ id, result: 'skipped', why })),
    ...unknown.map(({ id, why }) => ({ id, result: 'unknown', why })),
    ...absent.map((id) => ({ id, result: 'absent' })),
    { act, ...(dryRun ? { dryRun } : {}), totals },
  ]
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

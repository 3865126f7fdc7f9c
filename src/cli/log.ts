/**
 * log - what happened to messages, from the delivery journal: journalctl's flags.
 *
 * Looks at messages that are gone as well. Reads only the days that it must. With an id it tells
 * one whole life: what the journal says, and what the message's own trail says besides.
 */
import { InvalidArgumentError, Option } from 'commander'

import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { EVENTS } from '../message/journal-line.ts'
import type { JournalEvent, JournalLine } from '../message/journal-line.ts'
import type { History, JournalQuery } from '../queue/queue.ts'
import type { Define, Io } from './command.ts'
import { eventText } from './event-text.ts'
import { jsonLine } from './json.ts'
import { openReading } from './reading.ts'
import type { Reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { collectReceivers } from './selection.ts'
import { warnOfStray } from './stray-lane.ts'
import { toLane } from '../intake/filters.ts'
import { cutAt } from './table.ts'
import { timeOf } from '../intake/when.ts'

interface Options {
  readonly follow?: boolean
  readonly lines?: number | true
  readonly since?: string
  readonly until?: string
  readonly reverse?: boolean
  readonly json?: boolean
  readonly to?: readonly string[]
  readonly outcome?: readonly JournalEvent[]
  readonly summary?: boolean
}

/** As journalctl: so many where somebody follows, or gives -n without a number. */
const FEW = 10
/** So many are shown on a terminal where nobody says how many. */
const SHOWN = 1_000
/** Printed in one go. */
const CHUNK = 256

const HELP = `
Without options: all there is; on a terminal the last ${SHOWN.toLocaleString('en')} lines.

  msgq log -f --to crm              what happens now
  msgq log --since 03:00 --outcome bounced
  msgq log 9V0A1P2C                 one whole life
  msgq log --since 00:00 --summary  today in numbers
  msgq log --json | jq -r 'select(.event == "bounced") | .id'

Events: ${EVENTS.slice(0, 9).join(', ')},
${EVENTS.slice(9).join(', ')}.`

/** `msgq log`. */
export const define: Define = (command, begin) => {
  command
    .argument('[ID]', 'only this message: its id, or the last 6 or more of it')
    .option('-f, --follow', 'go on with what happens from now on')
    .option('-n, --lines [number]', `only the last so many (${FEW}), or all`, readCount)
    .option('--since <time>', 'noted at this time or later: 03:10, 2026-11-20T03:10')
    .option('--until <time>', 'noted before this time')
    .option('-r, --reverse', 'the newest first')
    .option(
      '--to <name>',
      'for this destination or URL (or more, with commas)',
      collectReceivers,
    )
    .option(
      '--outcome <event>',
      'of this kind (or more): delivered, bounced, ...',
      collectEvents,
    )
    .option('--json', 'a JSON object a line')
    .addOption(
      new Option(
        '--summary',
        'counts by destination and outcome, durations, reasons',
      ).conflicts(['follow', 'reverse', 'lines']),
    )
    .addHelpText('after', HELP)
    .action((word: string | undefined, options: Options) => {
      begin((io, flags) => run(io, flags, word, options))
    })
}

function readCount(text: string): number {
  if (text === 'all') return Infinity
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('write a number, or all.')
}

function collectEvents(text: string, before: readonly JournalEvent[] = []): JournalEvent[] {
  const events = text.split(',').map((word) => {
    const event = EVENTS.find((each) => each === word)
    if (event !== undefined) return event
    const meant = didYouMean(word, EVENTS)
    throw new MsgqError(
      'usage',
      `--outcome: no such event: ${JSON.stringify(word)}`,
      meant === undefined ? `there are ${EVENTS.join(', ')}` : `did you mean ${meant}?`,
    )
  })
  return [...before, ...events]
}

async function run(
  io: Io,
  flags: Flags,
  word: string | undefined,
  options: Options,
): Promise<number> {
  if (options.follow && options.reverse)
    throw new MsgqError('usage', '-f and -r exclude each other')
  const query = queryOf(options, io)
  const around = await openReading(io, flags)
  if (word !== undefined && !options.follow && !options.summary) {
    const { printLife } = await import('./life.ts')
    const life = { ...query, ...countOf(options, io) }
    return printLife(io, flags, around, word, { json: options.json ?? false, query: life })
  }
  const ids = word === undefined ? {} : { ids: [await idOf(word, around)] }
  if (options.summary) {
    const { summarize } = await import('./log-summary.ts')
    const report = await summarize(around.desk.history({ ...query, ...ids }))
    await io.print(options.json ? report.json() : report.text(screenOf(io).edge))
    return 0
  }
  const wanted = { ...query, ...ids, ...countOf(options, io) }
  const printed = await print(io, around.desk, wanted, options)
  if (printed === 0) {
    const lanes = options.to?.map((each) => toLane(each))
    await warnOfStray(io, flags, { command: 'log', spool: around.spool }, lanes)
  }
  return 0
}

/** The whole id, so that only the days of its life are read. */
async function idOf(word: string, { desk }: Reading): Promise<string> {
  const { findStory } = await import('./story.ts')
  return (await findStory(word, desk)).id
}

function queryOf(options: Options, io: Io): JournalQuery {
  const now = io.clock.now()
  const { since, until, to, outcome, reverse } = options
  const lanes = to?.map((each) => toLane(each))
  const matches = (line: JournalLine) =>
    (lanes === undefined || lanes.includes(line.lane ?? '')) &&
    (outcome === undefined || outcome.includes(line.event))
  return {
    ...(since === undefined ? {} : { after: timeOf('--since', since, now, 'last') }),
    ...(until === undefined ? {} : { before: timeOf('--until', until, now, 'last') }),
    ...(reverse ? { reverse } : {}),
    matches,
  }
}

function countOf({ lines, follow, since, until }: Options, io: Io): JournalQuery {
  if (lines === Infinity) return {}
  if (lines !== undefined) return { last: lines === true ? FEW : lines }
  if (since !== undefined || until !== undefined) return {}
  if (follow) return { last: FEW }
  return io.stdout.isTTY ? { last: SHOWN } : {}
}

/** Prints what there is, and resolves with how many lines that were. */
async function print(
  io: Io,
  desk: History,
  query: JournalQuery,
  { json, follow }: Options,
): Promise<number> {
  const end = new AbortController()
  const { edge } = screenOf(io)
  const format = (line: JournalLine) =>
    json
      ? jsonLine(line)
      : `${cutAt(eventText(line, io.clock.now()), follow ? undefined : edge)}\n`
  const live = follow ? { ...query, follow: end.signal } : query
  let text = ''
  let count = 0
  for await (const line of desk.history(live)) {
    text += format(line)
    // Who follows sees each line when it comes.
    count++
    if (!follow && count % CHUNK !== 0) continue
    await io.print(text)
    text = ''
  }
  if (text !== '') await io.print(text)
  return count
}

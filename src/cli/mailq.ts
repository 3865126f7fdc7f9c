/**
 * mailq - lists what waits, and why.
 *
 * Active first, then by the next attempt; held, bounced and corrupt ones last. Files are opened
 * for sizes, subjects and reasons alone: --no-reason, --count and --ids are readdir and no more,
 * whatever the queue holds. The footer counts, and names what lies where nobody asked.
 */
import { Option } from 'commander'

import { errnoOf, plainError } from '../base/errno.ts'
import type { Flags } from '../config/find.ts'
import type { Entry, Selector } from '../message/selector.ts'
import { STATES } from '../message/state.ts'
import type { State } from '../message/state.ts'
import type { Desk, Message, Suspensions } from '../queue/queue.ts'
import { lookAround } from './around.ts'
import type { Around } from './around.ts'
import type { Define, Io } from './command.ts'
import { absentError } from './ids.ts'
import { jsonLine } from './json.ts'
import { footer } from './mailq-footer.ts'
import { Rows } from './mailq-rows.ts'
import type { Listed } from './mailq-rows.ts'
import { openReading } from './reading.ts'
import { screenOf } from './screen.ts'
import { addSelectorOptions, selectorOf } from './selection.ts'
import type { Selection, SelectorOptions } from './selection.ts'
import { summaryOf } from './summary.ts'

interface Options extends SelectorOptions {
  /** False by --no-reason. */
  readonly reason: boolean
  readonly count?: boolean
  readonly ids?: boolean
  readonly json?: boolean
}

/** What waits, or should not: what is listed where no state is named. */
const QUEUE: readonly State[] = ['incoming', 'active', 'deferred', 'hold']
/** So many are shown on a terminal: nobody reads more. */
const SHOWN = 1_000
/** So many are printed at once. */
const CHUNK = 500

/** `msgq mailq`. */
export const define: Define = (command, begin) => {
  addSelectorOptions(
    command.argument('[ID...]', 'ids, endings of 6 or more, - (ids on stdin), or ALL'),
  )
    .option('--no-reason', 'open no file: neither sizes, subjects nor reasons')
    .addOption(new Option('--count', 'print how many').conflicts('ids'))
    .addOption(new Option('--ids', 'print whole ids, one a line').conflicts('json'))
    .option('--json', 'print JSON, one message a line')
    .action((words: string[], options: Options) =>
      begin((io, flags) => run(io, flags, words, options)),
    )
}

async function run(
  io: Io,
  flags: Flags,
  words: readonly string[],
  options: Options,
): Promise<number> {
  const { spool, desk } = await openReading(io, flags)
  const selection = await selectorOf(words, options, io, desk)
  const selector = meant(selection)
  const { items } = await desk.list(selector, { limit: Infinity })
  const entries = items.toSorted(byTurn).slice(0, selector.limit)
  if (options.count) await printCount(io, entries, options)
  else if (options.ids) await inChunks(entries, async (ids) => printIds(io, ids))
  else if (options.json)
    await inChunks(entries, (some) => printJson(io, desk, some, options))
  else await printTable(io, desk, entries, { ...options, flags, spool, selector })
  if (selection.absent.length > 0) throw absentError(selection.absent)
  return 0
}

/** Where no state is named: the queue; all states for ids; all but corrupt for ALL. */
function meant({
  selector,
  named,
  all,
}: Selection): Selector & { states: readonly State[] } {
  const whole = named ? STATES : STATES.filter((state) => state !== 'corrupt')
  return { ...selector, states: selector.states ?? (named || all ? whole : QUEUE) }
}

const TURN: Readonly<Record<State, number>> = {
  active: 0,
  incoming: 1,
  deferred: 1,
  hold: 2,
  bounce: 3,
  corrupt: 4,
}

function byTurn(a: Entry, b: Entry): number {
  return TURN[a.state] - TURN[b.state] || a.due - b.due || (a.id < b.id ? -1 : 1)
}

async function inChunks(
  entries: readonly Entry[],
  print: (some: readonly Entry[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < entries.length; at += CHUNK)
    await print(entries.slice(at, at + CHUNK))
}

async function printCount(
  io: Io,
  entries: readonly Entry[],
  { json }: Options,
): Promise<void> {
  if (!json) return io.print(`${entries.length}\n`)
  const states: Partial<Record<State, number>> = {}
  for (const { state } of entries) states[state] = (states[state] ?? 0) + 1
  return io.print(jsonLine({ count: entries.length, states }))
}

async function printIds(io: Io, entries: readonly Entry[]): Promise<void> {
  await io.print(entries.map(({ id }) => `${id}\n`).join(''))
}

async function printJson(
  io: Io,
  desk: Desk,
  entries: readonly Entry[],
  { reason }: Options,
): Promise<void> {
  const lines: string[] = []
  for await (const { entry, message } of opened(desk, entries, reason))
    lines.push(jsonLine(summaryOf(entry, message)))
  if (lines.length > 0) await io.print(lines.join(''))
}

interface TableOptions extends Options {
  readonly flags: Flags
  readonly spool: string
  readonly selector: Selector & { states: readonly State[] }
}

async function printTable(
  io: Io,
  desk: Desk & Suspensions,
  entries: readonly Entry[],
  { reason, flags, spool, selector }: TableOptions,
): Promise<void> {
  const screen = screenOf(io)
  const around: Around = await lookAround(io, flags, { spool, desk })
  const shown = screen.isTerminal ? entries.slice(0, SHOWN) : entries
  const rows = new Rows(screen, around, reason)
  await inChunks(shown, async (some) => {
    const listed: Listed[] = []
    for await (const one of opened(desk, some, reason)) listed.push(one)
    await io.print(rows.format(listed))
  })
  await io.print(rows.end(entries.length - shown.length))
  const gone = shown.length - rows.count
  const counted = { entries, gone, states: selector.states }
  const lines = await footer(desk, counted, {
    around,
    screen,
    ...(reason && shown.length === entries.length ? { size: rows.size } : {}),
  })
  await io.print(`${lines.join('\n')}\n`)
}

/** Each entry with its message; one that is gone by now is left out. */
async function* opened(
  desk: Desk,
  entries: readonly Entry[],
  open: boolean,
): AsyncGenerator<Listed> {
  for (const entry of entries) {
    if (!open) {
      yield { entry }
      continue
    }
    try {
      const message: Message | undefined = await desk.get(entry.id)
      if (message !== undefined) yield { entry: message.entry, message }
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      // A file that is not ours to read is no reason to hide the others.
      yield { entry, trouble: `cannot be read: ${plainError(error)}` }
    }
  }
}

/**
 * mailq - lists what waits, and why.
 *
 * Active first, then by the next attempt; held, bounced and corrupt ones last. Files are opened
 * for sizes, subjects and reasons alone: --names, --count and --ids are readdir and no more,
 * whatever the queue holds, unless a selector asks what only a file says. The footer counts, and
 * names what lies where nobody asked.
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
import { onWords } from './command.ts'
import type { Define, Io } from './command.ts'
import { absentError } from './ids.ts'
import { waitsFor } from './in-order.ts'
import { jsonLine } from './json.ts'
import { footer } from './mailq-footer.ts'
import { Rows } from './mailq-rows.ts'
import type { Listed } from './mailq-rows.ts'
import { ORDERS, sorted } from './mailq-sort.ts'
import type { Order } from './mailq-sort.ts'
import { openReading } from './reading.ts'
import { screenOf } from './screen.ts'
import { addSelectorOptions, selectorOf } from './selection.ts'
import type { Selection, SelectorOptions } from './selection.ts'
import { warnOfStray } from './stray-lane.ts'
import { summaryOf } from './summary.ts'

interface Options extends SelectorOptions {
  /** No file is opened for what is shown. */
  readonly names?: boolean
  readonly sort: Order
  readonly reverse?: boolean
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
    .addOption(
      new Option('--sort <by>', 'the first of these first').choices(ORDERS).default('turn'),
    )
    .option('-r, --reverse', 'the last of these first')
    .option('--names', 'open no file: neither sizes, subjects nor reasons')
    .addOption(new Option('--count', 'print how many').conflicts('ids'))
    .addOption(new Option('--ids', 'print whole ids, one a line').conflicts('json'))
    .option('--json', 'print JSON, one message a line')
  onWords(command, begin, run)
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
  if (options.count) {
    await printCount(io, await desk.count(selector), { ...options, limit: selector.limit })
    return ended(selection)
  }
  const { items } = await desk.list(selector, { limit: Infinity })
  const entries = await inOrder(desk, items, options, selector.limit)
  if (items.length === 0)
    await warnOfStray(io, flags, { command: 'mailq', spool }, selector.lanes)
  if (options.ids) await inChunks(entries, async (ids) => printIds(io, ids))
  else if (options.json) await printAllJson(io, { desk, spool, flags }, entries, options)
  else await printTable(io, desk, entries, { ...options, flags, spool, selector })
  return ended(selection)
}

function ended({ absent }: Selection): number {
  if (absent.length > 0) throw absentError(absent)
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

async function inOrder(
  desk: Desk,
  items: readonly Entry[],
  { sort, reverse }: Options,
  limit: number | undefined,
): Promise<readonly Entry[]> {
  const sizes = new Map<string, number>()
  if (sort === 'size')
    for await (const { entry, message } of opened(desk, items, true))
      sizes.set(entry.id, message?.size ?? 0)
  const entries = sorted(items, sort, sizes)
  return (reverse ? entries.toReversed() : entries).slice(0, limit)
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
  states: Readonly<Partial<Record<State, number>>>,
  { json, limit = Infinity }: Pick<Options, 'json'> & { limit?: number | undefined },
): Promise<void> {
  const all = Object.values(states).reduce((sum, count) => sum + count, 0)
  const count = Math.min(all, limit)
  if (!json) return io.print(`${count}\n`)
  const there = Object.entries(states).filter(([, found]) => found > 0)
  return io.print(jsonLine({ count, states: Object.fromEntries(there) }))
}

async function printIds(io: Io, entries: readonly Entry[]): Promise<void> {
  await io.print(entries.map(({ id }) => `${id}\n`).join(''))
}

async function printAllJson(
  io: Io,
  { desk, spool, flags }: { desk: Desk & Suspensions; spool: string; flags: Flags },
  entries: readonly Entry[],
  options: Options,
): Promise<void> {
  const { waitsFor: firsts } = await inOrderAround(io, flags, { spool, desk }, entries)
  await inChunks(entries, (some) => printJson(io, desk, some, { ...options, firsts }))
}

async function printJson(
  io: Io,
  desk: Desk,
  entries: readonly Entry[],
  { names = false, firsts }: Options & { firsts: Around['waitsFor'] },
): Promise<void> {
  const lines: string[] = []
  for await (const { entry, message } of opened(desk, entries, !names))
    lines.push(jsonLine(summaryOf(entry, message, firsts?.get(entry.id))))
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
  { names = false, flags, spool, selector }: TableOptions,
): Promise<void> {
  const screen = screenOf(io)
  const around = await inOrderAround(io, flags, { spool, desk }, entries)
  const shown = screen.isTerminal ? entries.slice(0, SHOWN) : entries
  const rows = new Rows(screen, around, !names)
  await inChunks(shown, async (some) => {
    const listed: Listed[] = []
    for await (const one of opened(desk, some, !names)) listed.push(one)
    await io.print(rows.format(listed))
  })
  await io.print(rows.end(entries.length - shown.length))
  const gone = shown.length - rows.count
  const counted = { entries, gone, states: selector.states }
  const lines = await footer(desk, counted, {
    around,
    screen,
    ...(!names && shown.length === entries.length ? { size: rows.size } : {}),
  })
  await io.print(`${lines.join('\n')}\n`)
}

/** What stands around, and who of these waits for whom. */
async function inOrderAround(
  io: Io,
  flags: Flags,
  place: { readonly spool: string; readonly desk: Desk & Suspensions },
  entries: readonly Entry[],
): Promise<Around> {
  const around = await lookAround(io, flags, place)
  return { ...around, waitsFor: await waitsFor(place.desk, entries, around.ordered!) }
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

/**
 * act - what flush, hold, release, requeue, delete and expire have in common.
 *
 * An act is whole for each message and not for all of them: who breaks it off runs it again,
 * and it does the rest. It ends with what came of it. A message that was named and does not
 * exist is 66; a filter that matches nothing is no fault. What is in flight the daemon is asked
 * for (in-flight.ts).
 */
import { createInterface } from 'node:readline/promises'

import type { Command } from 'commander'

import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { checkReadable, openDesk } from '../queue/open.ts'
import type { Act, ActResult, Desk, Suspensions } from '../queue/queue.ts'
import type * as Queue from '../queue/queue.ts'
import { ACT_TABLE } from '../queue/states.ts'
import { jsonReport, textReport } from './act-report.ts'
import { becomeOwner } from './become.ts'
import type { Define, Io } from './command.ts'
import { absentError } from './ids.ts'
import { actOn, optionsOf } from '../library/act.ts'
import { NO_NOTES } from '../library/in-flight.ts'
import type { InFlight } from '../library/in-flight.ts'
import { Progress } from './progress.ts'
import { addSelectorOptions, selectorOf } from './selection.ts'
import type { Selection, SelectorOptions } from './selection.ts'
import { operatorHere } from '../library/sender.ts'
import { warnOfStray } from './stray-lane.ts'

/** What is special about one act. */
export interface Verb<Options extends ActOptions = ActOptions> {
  readonly act: Act
  /** Adds options of its own. */
  readonly extend?: (command: Command) => void
  /** Throws for what is wrong, before anything is touched. */
  readonly check?: (io: Io, flags: Flags, spool: string, options: Options) => Promise<void>
  /** Does it, where it is more than to act. */
  readonly carryOut?: (attempt: Attempt<Options>) => Promise<Deed>
  /** Without ids, selector and ALL it means all of them. */
  readonly meansAll?: boolean
  /** Asks on a terminal before it does away with more than one. */
  readonly asks?: boolean
  /** Exit codes of its own, for the help. */
  readonly ends?: string
  /** What follows it, unless it was a dry run. */
  readonly after?: (did: Did) => Promise<Aftermath>
}

/** All that an act needs to know. */
export interface Attempt<Options> {
  readonly desk: Desk
  readonly selection: Selection
  /** What was agreed to. */
  readonly selector: Selection['selector']
  readonly act: Queue.ActOptions
  readonly options: Options
  readonly io: Io
}

/** What came of it. */
export interface Deed extends Partial<InFlight> {
  readonly result: ActResult
  readonly notice?: string
  /** What was skipped was so for one reason, which the notice tells. */
  readonly brief?: boolean
  readonly exitCode?: number
}

/** What was done, for what follows. */
export interface Did {
  readonly spool: string
  readonly desk: Suspensions
  readonly now: number
  readonly selection: Selection
  readonly result: ActResult
}

/** What followed: lanes that were opened, and what a person should know besides. */
export interface Aftermath {
  readonly opened?: number
  readonly notice?: string
}

export interface ActOptions extends SelectorOptions {
  readonly dryRun?: boolean
  readonly verbose?: boolean
  readonly json?: boolean
  readonly yes?: boolean
  readonly why?: string
}

/** Exit code when the answer to the question was no. */
const DECLINED = 1

/** Makes a command of an act. */
export function defineAct<Options extends ActOptions = ActOptions>(
  verb: Verb<Options>,
): Define {
  return (command, begin) => {
    command.argument('[ID...]', 'ids, endings of 6 or more, - (ids on stdin), or ALL')
    addSelectorOptions(command)
      .option('-n, --dry-run', 'say what would be done, and do nothing')
      .option('-v, --verbose', 'a line for each message')
      .option('--json', 'a line of JSON for each message, and one for all')
      .option('--why <text>', 'a reason, for the trail')
    if (verb.asks) command.option('-y, --yes', 'do not ask')
    verb.extend?.(command)
    command.addHelpText('after', helpOf(verb))
    command.action((words: string[], options: Options) => {
      begin((io, flags) => run(verb, { words, options }, io, flags))
    })
  }
}

type Told = Pick<Verb, 'act' | 'meansAll' | 'asks' | 'ends'>

/** What nobody should have to try out at night. */
function helpOf({ act, meansAll, asks, ends = '' }: Told): string {
  const when = meansAll === true ? 'options it means all of' : '--state it means'
  const also = asks === true ? '\nOn a terminal it asks before it does more than one.' : ''
  return `
Without ids and ${when} those in ${ACT_TABLE[act].default.join(', ')}.${also}

Exit: 0 done, also where nothing matched${asks === true ? '  1 the answer was no' : ''}${ends}
66 one that was named does not exist; the others are done`
}

interface Line<Options> {
  readonly words: readonly string[]
  readonly options: Options
}

async function run<Options extends ActOptions>(
  verb: Verb<Options>,
  line: Line<Options>,
  io: Io,
  flags: Flags,
): Promise<number> {
  const { words, options } = line
  const place = await findSpool(io.environment, flags)
  const by = operatorHere(io.environment)
  const { spool, anyFilesystem } = place
  await verb.check?.(io, flags, spool, options)
  becomeOwner(spool)
  checkReadable(spool)
  const desk = await openDesk(spool, { clock: io.clock, anyFilesystem })
  const selection = await selectorOf(words, options, io, desk)
  if (!selection.given && !verb.meansAll)
    throw new MsgqError(
      'usage',
      'which messages?',
      `give ids, a selector such as --to, or ALL: msgq ${verb.act} --help`,
    )
  const agreed = await ask(verb, { selection, options, by }, desk, io)
  if (agreed === undefined) return DECLINED
  const attempt = { desk, selection, selector: agreed, options, io }
  const deed = await carryOut(verb, attempt, place, by)
  const { result, notes = NO_NOTES, unknown = [], trouble } = deed
  const after = options.dryRun ? undefined : verb.after
  const { opened, notice = deed.notice } =
    (await after?.({ spool, desk, now: io.clock.now(), selection, result })) ?? {}
  const report = {
    act: verb.act,
    result,
    absent: selection.absent,
    notes,
    unknown,
    dryRun: options.dryRun ?? false,
    ...(opened === undefined ? {} : { opened }),
    ...(deed.brief === undefined ? {} : { brief: deed.brief }),
  }
  await io.print(options.json ? jsonReport(report) : textReport(report, options.verbose))
  if (notice !== undefined) io.warn(`${verb.act}: ${notice}`)
  if (result.matched === 0)
    await warnOfStray(io, flags, { command: verb.act, spool }, selection.selector.lanes)
  if (trouble !== undefined) throw trouble
  if (selection.absent.length > 0) throw absentError(selection.absent)
  return deed.exitCode ?? 0
}

async function carryOut<Options extends ActOptions>(
  verb: Verb<Options>,
  attempt: Omit<Attempt<Options>, 'act'>,
  place: SpoolPlace,
  by: string,
): Promise<Deed> {
  const { desk, selector, options, io } = attempt
  const progress = new Progress(io, verb.act)
  const why = options.why === undefined ? undefined : printable(options.why)
  const { dryRun = false } = options
  const deed = { by, why, dryRun, onProgress: progress.tell }
  try {
    if (verb.carryOut === undefined)
      return await actOn({ act: verb.act, selector, ...deed }, { io, place, desk })
    return await verb.carryOut({ ...attempt, act: optionsOf(deed) })
  } finally {
    progress.end()
  }
}

/** The selection that was agreed to; undefined when the answer was no. */
async function ask(
  { act, asks = false }: Pick<Verb, 'act' | 'asks'>,
  meant: { selection: Selection; options: ActOptions; by: string },
  desk: Desk,
  io: Io,
): Promise<Selection['selector'] | undefined> {
  const { selection, options, by } = meant
  const { selector } = selection
  // With ids on stdin there is nobody to ask there.
  if (!asks || options.yes || options.dryRun || !io.stdin.isTTY) return selector
  const before = io.clock.now() + 1
  const { done } = await desk.act(act, selector, { by, dryRun: true })
  if (done.length <= 1) return selector
  const terminal = createInterface({ input: io.stdin, output: io.stderr })
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  const question = `${act} ${done.length} messages? [y/N] `
  const answer = await Promise.race([terminal.question(question), closed])
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) {
    io.warn(`${act}: nothing was done`)
    return undefined
  }
  // What came in since was not asked about.
  return { ...selector, before: Math.min(before, selector.before ?? before) }
}

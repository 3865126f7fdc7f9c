/**
 * wrap - runs a command as if nobody stood between, and queues a report of how it ended.
 *
 * The command goes before the report. Nothing that is wrong with the queue, with its
 * configuration or with what is remembered of former runs keeps it from running or changes its
 * exit code; a report that cannot be queued goes to stderr, where cron finds it. Refused is only
 * a line that cannot be understood.
 */
import type { Command } from 'commander'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { LEVELS, checkDraft } from '../message/draft.ts'
import type { Level } from '../message/draft.ts'
import { asOwner } from './become.ts'
import type { Define, Io } from './command.ts'
import { draftFor } from './compose.ts'
import { openDoor } from './door.ts'
import { judge, OCCASIONS, readOccasions, remembers, unreported } from './occasion.ts'
import type { Memory } from './occasion.ts'
import { receiversOf } from './recipient.ts'
import { RunCommand } from './run-command.ts'
import type { Ended } from './run-command.ts'
import { asUsage } from './send-options.ts'
import { senderHere } from './sender.ts'
import { termsOf } from './terms.ts'
import type { Terms } from './terms.ts'
import { memoryFile, recall, remember } from './wrap-memory.ts'
import { reportOf } from './wrap-report.ts'
import type { Report, Subject } from './wrap-report.ts'

interface Options {
  readonly on: string
  readonly quiet?: boolean
  readonly json?: boolean
  readonly subject?: string
  readonly level?: Level
  readonly name?: string
}

const HELP = `
Runs COMMAND with its arguments and ends with its exit code, 128+n for a signal, 126 or 127
when it cannot be started. Its stdin, its output and signals pass through. DEST is a
destination or a URL, or more with commas between them (default: $MSGQ_TO, then [send] to).

The report says command, exit code, duration, host, and the last 4 KiB of output. On:
  fail      it ended with another code than 0
  ok        it ended with 0
  always    each time
  output    it printed something, or failed
  change    its exit code or its output is not that of the last run, or that is not known
  recover   it works again after failures
Several may stand there: --on fail,recover.

  msgq wrap ops -- /opt/backup.sh
  msgq wrap -q ops --on fail,recover -- /opt/check.sh        in a crontab
  msgq wrap archive --on ok --json -- sh -c 'pg_dump app > /srv/app.sql'

A report that cannot be queued goes to stderr. The command runs and its exit code stays,
whatever is wrong with the queue. Exit 64: the line is wrong, and nothing was run.`

/** `msgq wrap`. */
export const define: Define = (command, begin) => {
  command
    .usage('[options] [DEST] -- COMMAND [ARG...]')
    .argument('[DEST]', 'destination or URL')
    .argument('[COMMAND...]', 'the command, behind --')
    .option('--on <when>', `when to report: ${OCCASIONS.join(', ')}`, 'fail')
    .option('-q, --quiet', 'pass no output through: only the report has it')
    .option('--json', 'the report as JSON')
    .option('-s, --subject <text>', 'subject of the report')
    .addOption(
      command
        .createOption('--level <level>', 'level of a failure (default: error)')
        .choices(LEVELS),
    )
    .option('--name <name>', 'what it is called, and whose runs are remembered')
    .addHelpText('after', HELP)
    .action((_first: string | undefined, _rest: string[], options: Options) => {
      const line = { ...splitLine(command), options }
      begin((io, flags) => wrap(line, io, flags))
    })
}

interface Line {
  readonly to: string | undefined
  readonly words: readonly [string, ...string[]]
  readonly options: Options
}

/** What stands before `--` and what stands behind it. */
function splitLine(command: Command): Pick<Line, 'to' | 'words'> {
  // commander drops the `--`, but not from what it was given; its types do not know that.
  const { rawArgs } = command.parent as unknown as { rawArgs: readonly string[] }
  const words = rawArgs.slice(rawArgs.indexOf('--') + 1)
  const before = command.args.slice(0, command.args.length - words.length)
  if (!rawArgs.includes('--') || before.length > 1)
    throw new MsgqError(
      'usage',
      'the command stands behind --',
      'msgq wrap [options] DEST -- COMMAND ARG...',
    )
  const [file, ...rest] = words
  if (file === undefined || file === '')
    throw new MsgqError('usage', 'no command', 'msgq wrap [options] DEST -- COMMAND ARG...')
  return { to: before[0], words: [file, ...rest] }
}

async function wrap(line: Line, io: Io, flags: Flags): Promise<number> {
  const { options, words } = line
  const { subject, level, name } = options
  const occasions = readOccasions(options.on)
  asUsage(() => checkDraft({ to: 'x', ...(subject === undefined ? {} : { subject }) }))
  const route = await findRoute(line, io, flags)
  const key = name === undefined ? [line.to ?? '', ...words] : [name]
  const memory = remembers(occasions) ? openMemory(io, key) : undefined
  const { user, host = 'localhost' } = senderHere()
  const about: Subject = {
    command: words,
    host,
    ...(user === undefined ? {} : { user }),
    ...(name === undefined ? {} : { name }),
  }
  const wording = {
    isJson: options.json ?? false,
    ...(subject === undefined ? {} : { subject }),
    ...(level === undefined ? {} : { level }),
  }
  return new RunCommand(io, { quiet: options.quiet ?? false }).run(words, async (ended) => {
    const verdict = judge(occasions, runOf(ended), memory?.before)
    const isQueued =
      verdict.reason === undefined ||
      (await queue(reportOf(about, ended, verdict, wording), route, io))
    if (memory === undefined || verdict.next === undefined) return
    const next = isQueued ? verdict.next : unreported(memory.before, verdict)
    await keep(memory.file, next, name ?? words.join(' '), io)
  })
}

function runOf({ code, startedAt, output, digest }: Ended) {
  return { code, startedAt, output: { total: output.total }, digest }
}

/** How a report gets to whom it is for, or why it does not. */
type Route =
  | { readonly place: SpoolPlace; readonly terms: Terms; readonly receivers: string[] }
  | { readonly trouble: MsgqError }

/** Looked for before the command runs, so that a typing error is seen at once. */
async function findRoute({ to }: Line, io: Io, flags: Flags): Promise<Route> {
  try {
    const place = await findSpool(io.environment, flags)
    const terms = await termsOf(io, flags, place, 'wrap')
    const given = to ?? (io.environment.env['MSGQ_TO'] || undefined)
    return { place, terms, receivers: receiversOf(given, terms) }
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    complain(io, `nobody will hear of it: ${error.message}`, error.hint)
    return { trouble: error }
  }
}

/** Queues the report, or says it on stderr; true when every receiver's is durable. */
async function queue({ draft, body }: Report, route: Route, io: Io): Promise<boolean> {
  try {
    if ('trouble' in route) throw route.trouble
    const { place, terms, receivers } = route
    const bytes = Buffer.from(body)
    const drafts = receivers.map((to) => draftFor(to, draft, bytes, terms))
    const sender = senderHere()
    await asOwner(place.spool, async () => {
      const outbox = await openDoor(io, place, terms)
      const queued = await Promise.allSettled(
        drafts.map((each) => outbox.enqueue({ draft: each, body: bytes, sender })),
      )
      for (const one of queued) if (one.status === 'rejected') throw one.reason
    })
    return true
  } catch (error) {
    const hint = error instanceof MsgqError ? error.hint : undefined
    complain(io, `the report could not be queued: ${plainError(error)}`, hint)
    io.stderr.write(`${draft.subject}\n\n${body}${body.endsWith('\n') ? '' : '\n'}`)
    return false
  }
}

interface Kept {
  readonly file: string
  readonly before: Memory
}

/** What is remembered; without a memory every run is the first one. */
function openMemory(io: Io, key: readonly string[]): Kept | undefined {
  try {
    const file = memoryFile(io.environment, key)
    return { file, before: recall(file) }
  } catch (error) {
    complain(io, `does not know of former runs: ${plainError(error)}`)
    return undefined
  }
}

async function keep(file: string, next: Memory, name: string, io: Io): Promise<void> {
  try {
    await remember(file, next, name)
  } catch (error) {
    complain(io, `will not know of this run: ${file}: ${plainError(error)}`)
  }
}

function complain(io: Io, line: string, hint?: string): void {
  io.warn(`wrap: ${line}`)
  if (hint !== undefined) io.stderr.write(`  hint: ${hint}\n`)
}

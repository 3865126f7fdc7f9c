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
import type { Flags } from '../config/find.ts'
import { LEVELS, checkDraft } from '../message/draft.ts'
import type { Level } from '../message/draft.ts'
import type { Define, Io } from './command.ts'
import { judge, OCCASIONS, readOccasions, remembers, unreported } from './occasion.ts'
import type { Memory, Occasion } from './occasion.ts'
import { RunCommand } from './run-command.ts'
import type { Ended } from './run-command.ts'
import { asUsage } from './send-options.ts'
import { senderHere } from '../library/sender.ts'
import { memoryFile, recall, remember } from './wrap-memory.ts'
import { findRoute, queueReport, queueStdout } from './wrap-queue.ts'
import type { Route } from './wrap-queue.ts'
import { reportOf } from './wrap-report.ts'
import type { Subject } from './wrap-report.ts'

interface Options {
  readonly on: string
  readonly quiet?: boolean
  readonly json?: boolean
  readonly stdout?: boolean
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
  msgq wrap archive --on ok --stdout -- bash -c 'set -o pipefail; pg_dump app | gzip'

A report that cannot be queued goes to stderr. The command runs and its exit code stays,
whatever is wrong with the queue. Exit 64: the line is wrong, and nothing was run.
With --stdout what a command printed that worked is the message, whole, and no report; of one
that failed nothing is sent but, with --on ok,fail, the report. Where what it printed cannot
be queued the exit code is 65 (too large, or refused by the schema of DEST) or 75, although the command worked.`

/** `msgq wrap`. */
export const define: Define = (command, begin) => {
  command
    .usage('[options] [DEST] -- COMMAND [ARG...]')
    .argument('[DEST]', 'destination or URL')
    .argument('[COMMAND...]', 'the command, behind --')
    .option('--on <when>', `when to report: ${OCCASIONS.join(', ')}`, 'fail')
    .option('-q, --quiet', 'pass no output through: only the report has it')
    .option('--json', 'the report as JSON')
    .option('--stdout', 'of a command that worked its stdout is the message')
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
  if (options.stdout) checkStdout(options, occasions)
  asUsage(() => checkDraft({ to: 'x', ...(subject === undefined ? {} : { subject }) }))
  const route = await findRoute(line.to, io, flags)
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
  const keep = options.stdout ? { keep: sizeLimit(route) } : {}
  const run = new RunCommand(io, { quiet: options.quiet ?? false, ...keep })
  let unqueued = 0
  const code = await run.run(words, async (ended) => {
    // A shell would say it, and it is none of the command's output.
    if (ended.unstarted !== undefined && options.quiet !== true)
      io.warn(`wrap: ${words[0]}: ${ended.unstarted}`)
    const verdict = judge(occasions, runOf(ended), memory?.before)
    const report = reportOf(about, ended, verdict, wording)
    const isWhole = options.stdout === true && ended.code === 0
    if (isWhole) unqueued = await queueStdout(ended, report, route, io)
    const isQueued = isWhole
      ? unqueued === 0
      : verdict.reason === undefined || (await queueReport(report, route, io))
    if (memory === undefined || verdict.next === undefined) return
    const next = isQueued ? verdict.next : unreported(memory.before, verdict)
    await keepMemory(memory.file, next, name ?? words.join(' '), io)
  })
  return code === 0 ? unqueued : code
}

function checkStdout({ json }: Options, occasions: ReadonlySet<Occasion>): void {
  if (json) throw new MsgqError('usage', '--stdout and --json exclude each other')
  if (occasions.has('ok') || occasions.has('always')) return
  throw new MsgqError(
    'usage',
    '--stdout: sends what a command printed that worked, and --on says nothing of that',
    'add --on ok',
  )
}

function sizeLimit(route: Route): number {
  return 'trouble' in route ? 0 : route.terms.messageSizeLimit
}

function runOf({ code, startedAt, output, digest }: Ended) {
  return { code, startedAt, output: { total: output.total }, digest }
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
    io.warn(`wrap: does not know of former runs: ${plainError(error)}`)
    return undefined
  }
}

async function keepMemory(file: string, next: Memory, name: string, io: Io): Promise<void> {
  try {
    await remember(file, next, name)
  } catch (error) {
    io.warn(`wrap: will not know of this run: ${file}: ${plainError(error)}`)
  }
}

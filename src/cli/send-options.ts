/**
 * send-options - the options of `msgq send`, and what they say of one message.
 *
 * Everything that is wrong with the line itself is found here and is a usage error (64), before
 * anything is read.
 */
import type { Command } from 'commander'

import { MsgqError } from '../base/errors.ts'
import type { Draft, Level } from '../message/draft.ts'
import { LEVELS, checkDraft } from '../message/draft.ts'
import { sourceOf } from './body.ts'
import type { Source } from './body.ts'
import { refuseCurlOptions } from './curl-options.ts'
import { readHeaders } from './header.ts'
import { addOptions } from './option-row.ts'
import type { OptionRow } from './option-row.ts'
import { readSchedule } from '../intake/schedule.ts'
import type { Schedule } from '../intake/schedule.ts'

/** The command line of one `msgq send`. */
export interface Line {
  readonly to: string | undefined
  readonly text: readonly string[]
  readonly options: SendOptions
}

/** The options as commander hands them over. */
export interface SendOptions {
  readonly data?: readonly string[]
  readonly dataBinary?: readonly string[]
  readonly json?: readonly string[]
  readonly form?: readonly string[]
  readonly header?: readonly string[]
  readonly request?: string
  readonly contentType?: string
  readonly subject?: string
  readonly level?: string
  readonly event?: string
  readonly key?: string
  readonly order?: string
  readonly delay?: string
  readonly at?: string
  readonly expires?: string
  readonly hold?: boolean
  readonly batch?: boolean
  readonly lines?: boolean
  readonly skipEmpty?: boolean
  readonly quiet?: boolean
  readonly dryRun?: boolean
  readonly verbose?: boolean
  readonly wait?: boolean
  readonly timeout?: string
  readonly lastResort?: boolean
}

const HELP = `
TO is a destination or a URL, or more with commas between them (default: $MSGQ_TO, then
[send] to of msgq.toml). Without TEXT, -d and --json the message is what stands on stdin.

  msgq send ops "disk full on $(hostname)"
  msgq send https://example.com/hook --json '{"deploy":"v42"}'
  /opt/backup.sh 2>&1 | msgq send -qE ops -s "backup of $(date +%F)"
  jq -c '.[]' all.json | msgq send --batch crm

Prints the id of the message once it is on disk, and exits 0 if and only if it is.
Exit: 64 usage  65 message  66 unreadable file  73, 77 spool  75 try again  78 configuration;
with each of them nothing was queued. 1: of several receivers some were served, as it says.
With --wait, once it is on disk: 0 delivered  1 bounced or deleted  3 held, or its
lane is suspended  124 not yet: it goes on by itself. Of several the worst counts.`

/** All of them but the two that every command has. */
export const SEND_OPTIONS: readonly OptionRow[] = [
  {
    flags: '-d, --data <data>',
    help: 'the message: DATA, @FILE or @- (stdin); bytes as given',
    isMany: true,
  },
  {
    flags: '--json <json>',
    help: 'the same as application/json, checked to be JSON',
    isMany: true,
  },
  {
    flags: '-F, --form <part>',
    help: 'a part of a form: NAME=TEXT or NAME=@FILE; may stand more than once',
    isMany: true,
  },
  {
    flags: '-H, --header <header>',
    help: `'Name: value'; may stand more than once`,
    isMany: true,
  },
  {
    flags: '-X, --request <method>',
    help: 'method; default: that of the destination, POST',
  },
  {
    flags: '--content-type <type>',
    help: 'default: that of the destination, text/plain',
  },
  { flags: '-s, --subject <text>', help: 'subject' },
  { flags: '--level <level>', help: LEVELS.join(', ') },
  {
    flags: '--event <name>',
    help: 'instead of TO: routes decide where it goes',
  },
  {
    flags: '--key <key>',
    help: 'idempotency key: the same message again is dropped',
  },
  {
    flags: '--order <key>',
    help: 'goes out after all that were accepted before it with the same key',
  },
  {
    flags: '--delay <span>',
    help: 'not before so long from now: 90s, 15m, 4h, 3d',
  },
  {
    flags: '--at <time>',
    help: 'not before: 09:00 (the next), 2026-11-20T09:00, @EPOCH',
  },
  {
    flags: '--expires <when>',
    help: 'give up then: a time, or a span from when it may go out',
  },
  { flags: '--hold', help: 'hold it until somebody releases it' },
  {
    flags: '--batch',
    help: 'one message a line, as JSON: to, body, method, headers, subject, ...',
  },
  { flags: '--lines', help: 'one message a line, as text' },
  { flags: '--wait', help: 'stay until it is delivered, or is not going to be' },
  { flags: '--timeout <span>', help: 'with --wait: so long at most (default: 60s)' },
  {
    flags: '--last-resort',
    help: 'if the spool takes nothing: try it once, at once; 0 if it arrived',
  },
  { flags: '-E, --skip-empty', help: 'nothing on stdin: send nothing and say nothing' },
  { flags: '-q, --quiet', help: 'do not print the id' },
  { flags: '--dry-run', help: 'print the request and queue nothing' },
  { flags: '-v, --verbose', help: 'say more, on stderr' },
  { flags: '--data-binary <data>', isMany: true },
]

/** Adds the arguments and options of `msgq send`. */
export function addSendOptions(command: Command): void {
  command
    .argument('[TO]', 'destination or URL')
    .argument('[TEXT...]', 'the message')
    .addHelpText('after', HELP)
  addOptions(command, SEND_OPTIONS)
  refuseCurlOptions(command)
}

/** What the line says of a message, but for its receivers and its body. */
export interface Wish {
  readonly draft: Omit<Draft, 'to'>
  readonly schedule: Schedule
  readonly source: Source
  readonly isJson: boolean
}

/** Reads the options; throws (usage) for the first that cannot be. */
export function readWish(text: readonly string[], options: SendOptions, now: number): Wish {
  const { subject, level, event, key, order, request: method, json } = options
  const { headers, contentType: fromHeader } = readHeaders(options.header ?? [])
  if (options.contentType !== undefined && fromHeader !== undefined)
    throw new MsgqError('usage', '--content-type and -H content-type exclude each other')
  if (options.form !== undefined && (options.contentType ?? fromHeader) !== undefined)
    throw new MsgqError('usage', '-F and a content type exclude each other')
  const isJson = json !== undefined
  const contentType =
    options.contentType ?? fromHeader ?? (isJson ? 'application/json' : undefined)
  const draft = {
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(subject === undefined ? {} : { subject }),
    ...(level === undefined ? {} : { level: level as Level }),
    ...(event === undefined ? {} : { event }),
    ...(key === undefined ? {} : { key }),
    ...(order === undefined ? {} : { order }),
    ...(options.hold ? { hold: true } : {}),
  }
  asUsage(() => checkDraft(event === undefined ? { to: 'x', ...draft } : draft))
  const schedule = readSchedule(options, '--', now)
  return { draft, schedule, source: sourceOn(text, options), isJson }
}

/** Does a check of a message whose faults are faults of the line. */
export function asUsage(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof MsgqError) || error.code !== 'data') throw error
    throw new MsgqError('usage', error.message, error.hint, error)
  }
}

/** The one body on the line; stdin when there is none. */
function sourceOn(text: readonly string[], options: SendOptions): Source {
  const given = [
    ...(options.data ?? []).map((value) => ['-d', value] as const),
    ...(options.dataBinary ?? []).map((value) => ['--data-binary', value] as const),
    ...(options.json ?? []).map((value) => ['--json', value] as const),
    // However many parts, it is one body.
    ...(options.form === undefined ? [] : [['-F', ''] as const]),
  ]
  const names = [...given.map(([name]) => name), ...(text.length > 0 ? ['TEXT'] : [])]
  if (names.length > 1)
    throw new MsgqError(
      'usage',
      `the message is given ${names.length === 2 ? 'twice' : `${names.length} times`}: ${names.join(' and ')}`,
      `nothing is joined: write one, such as -d 'a=1&b=2'`,
    )
  if (text.length === 1 && text[0] === '-')
    throw new MsgqError('usage', 'TEXT is one dash', '-d @- reads stdin')
  if (text.length > 0) return { kind: 'bytes', bytes: Buffer.from(text.join(' ')) }
  const [first] = given
  if (first === undefined) return { kind: 'stdin', explicit: false }
  if (options.form !== undefined) return { kind: 'bytes', bytes: Buffer.alloc(0) }
  return sourceOf(first[0], first[1])
}

/**
 * sendmail - takes what cron and others hand to /usr/sbin/sendmail, and queues it.
 *
 * Subject and text of the mail become a message for each destination that [mail] of msgq.toml
 * has for its receivers. It exits 0 if and only if all of them are durable. What is wrong with
 * this machine is 75, so that a caller who can tries again; nothing is lost without a line on
 * stderr. Size refuses nothing: a text over the limit is cut, and says so.
 */
import type { Command } from 'commander'

import { plainError } from '../base/errno.ts'
import { EXIT_CODES, MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import type { Outbox, Submission } from '../queue/queue.ts'
import type { Define, Io } from './command.ts'
import { draftFor } from '../intake/compose.ts'
import { checkFit } from '../intake/fit.ts'
import { openDoor } from './door.ts'
import { receiversOn, routeMail } from './mail-route.ts'
import { collect } from './option-row.ts'
import { readMail } from './mail-text.ts'
import type { Mail } from './mail-text.ts'
import { senderHere } from '../library/sender.ts'
import { shielded } from './signals.ts'
import { sizeText } from './size-text.ts'
import { termsOf } from '../library/terms.ts'
import type { Terms } from '../intake/terms.ts'

/** EX_NOUSER of sysexits(3). */
const NO_USER = 67

/** What is read of a mail, at most: Base64 and other parts than text need more than the text. */
const RAW = { times: 2, more: 1024 * 1024 } as const

interface Options {
  readonly t?: boolean
  readonly i?: boolean
  readonly o?: readonly string[]
  readonly b?: string
  readonly q?: boolean | string
}

const HELP = `
For cron, at, mail(1), smartd, mdadm, fail2ban and all that run /usr/sbin/sendmail: a mail on
stdin becomes a message. A link to msgq with the name sendmail does the same:

  ln -s "$(command -v msgq)" /usr/sbin/sendmail

[mail] of msgq.toml says where the mail of whom goes; what it does not name goes to its
default, then to [send] to. The text part is the message; other parts are named in it.
Other options of sendmail (-f, -F, -B, -N, -oem, ...) are taken and mean nothing.

Exit: 0 it is on disk  64 usage  65 it cannot be a message  67 nowhere for a receiver
75 nothing, or not all, was queued: try again`

/** Options of sendmail that others give, and that change nothing here. */
const IGNORED = [
  '-A <mode>',
  '-B <type>',
  '-C <file>',
  '-f <address>',
  '-F <name>',
  '-G',
  '-h <hops>',
  '-L <tag>',
  '-m',
  '-N <dsn>',
  '-n',
  '-O <option>',
  '-p <protocol>',
  '-r <address>',
  '-R <return>',
  '-U',
  '-v',
  '-X <file>',
]

/** `msgq sendmail`. */
export const define: Define = (command, begin) => {
  command
    // -h is another one's here.
    .helpOption('--help', 'show this help')
    .argument('[RECEIVER...]', 'addresses, or names of users')
    .option('-t', 'receivers are those of To, Cc and Bcc, too')
    .option('-i', 'a line with one dot does not end the mail (also -oi)')
    .addOption(ignored(command, '-o <option>').argParser(collect))
    .addOption(ignored(command, '-b <mode>'))
    .addOption(ignored(command, '-q [time]'))
    .allowUnknownOption()
    .addHelpText('after', HELP)
  for (const flags of IGNORED) command.addOption(ignored(command, flags))
  command.action((words: string[], options: Options) => {
    begin((io, flags) => sendmail({ words, options }, io, flags))
  })
}

function ignored(command: Command, flags: string) {
  return command.createOption(flags).hideHelp()
}

interface Line {
  readonly words: readonly string[]
  readonly options: Options
}

async function sendmail({ words, options }: Line, io: Io, flags: Flags): Promise<number> {
  if (options.q !== undefined) return 0
  checkMode(options.b)
  // commander takes options that it does not know for receivers.
  const named = receiversOn(words.filter((word) => !word.startsWith('-')))
  if (named.length === 0 && !options.t)
    throw new MsgqError('usage', 'no receivers', 'name one, or -t takes those of the mail')
  let mail: Mail | undefined
  try {
    const place = await findSpool(io.environment, flags)
    const terms = await termsOf(io, flags, place, 'sendmail')
    const endsAtDot = !options.i && !options.o?.includes('i')
    const { bytes, cut } = await readStdin(io, rawLimit(terms), endsAtDot)
    mail = await readMail(bytes)
    const receivers = [...named, ...(options.t ? mail.receivers : [])]
    const { to, unknown } = routeMail(receivers, terms)
    const body = bodyOf(mail, cut, terms.messageSizeLimit)
    const wish = mail.subject === undefined ? {} : { subject: mail.subject }
    const drafts = to.map((each) => draftFor(each, wish, body, terms))
    for (const draft of drafts) checkFit(draft, body, terms)
    if (drafts.length > 0) {
      const sender = senderHere(io.environment.env)
      const outbox = await openDoor(io, place, terms)
      await shielded(() =>
        enqueueAll(
          drafts.map((draft) => ({ draft, body, sender })),
          outbox,
        ),
      )
    }
    return reportUnknown(unknown, mail, terms, io)
  } catch (error) {
    const what =
      mail?.subject === undefined ? 'a mail' : `the mail ${JSON.stringify(mail.subject)}`
    throw asRefusal(error, what)
  }
}

function checkMode(mode = 'm'): void {
  if (mode === 'm') return
  throw new MsgqError(
    'usage',
    `-b${printable(mode, 20)}: is no way to hand over a mail`,
    mode === 'p'
      ? 'msgq mailq lists what waits'
      : 'msgq speaks no SMTP: the mail stands on stdin',
  )
}

function rawLimit({ messageSizeLimit }: Terms): number {
  return messageSizeLimit * RAW.times + RAW.more
}

/** All of stdin is read, so that nobody dies of writing; what is over the limit is dropped. */
async function readStdin(
  io: Io,
  limit: number,
  endsAtDot: boolean,
): Promise<{ bytes: Buffer; cut: number }> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of io.stdin as AsyncIterable<Buffer>) {
    if (total < limit) chunks.push(chunk.subarray(0, limit - total))
    total += chunk.length
  }
  const bytes = Buffer.concat(chunks)
  const cut = total - bytes.length
  if (!endsAtDot) return { bytes, cut }
  const end = /(?:^|\n)\.\r?\n/.exec(bytes.toString('latin1'))
  if (end === null) return { bytes, cut }
  return { bytes: bytes.subarray(0, end[0].startsWith('\n') ? end.index + 1 : 0), cut: 0 }
}

/** The text; the subject, where that is all; and no more than may be sent. */
function bodyOf({ text, subject = '' }: Mail, cut: number, limit: number): Buffer {
  const whole = Buffer.from(text.trim() === '' ? subject : text)
  if (cut === 0 && whole.length <= limit) return whole
  const remark = `\n[cut: the mail was over the limit of ${sizeText(limit)}]\n`
  const room = Math.max(0, limit - remark.length)
  let end = Math.min(room, whole.length)
  // Not within a character.
  while (end > 0 && (whole[end]! & 0xc0) === 0x80) end--
  return Buffer.from(`${whole.toString('utf8', 0, end)}${remark}`).subarray(0, limit)
}

async function enqueueAll(entries: readonly Submission[], outbox: Outbox): Promise<void> {
  const queued = await Promise.allSettled(entries.map((entry) => outbox.enqueue(entry)))
  for (const one of queued) if (one.status === 'rejected') throw one.reason
}

/** Says for whom there is nothing; resolves to the exit code. */
function reportUnknown(
  unknown: readonly string[],
  mail: Mail,
  terms: Terms,
  io: Io,
): number {
  if (unknown.length === 0) return 0
  const names = printable(unknown.join(', '), 200)
  const subject = mail.subject === undefined ? '' : `: ${mail.subject}`
  const hint = '[mail] default = "DESTINATION" in msgq.toml takes it'
  io.warn(`sendmail: nowhere for the mail of ${names}${subject}`, hint)
  // A configuration that cannot be read may well know them.
  return terms.destinations === undefined ? EXIT_CODES.temporary : NO_USER
}

/** What is not the fault of the mail may be mended, and the caller may try again. */
function asRefusal(error: unknown, what: string): Error {
  if (error instanceof MsgqError && (error.code === 'usage' || error.code === 'data'))
    return error
  if (error instanceof MsgqError)
    return new MsgqError(
      'temporary',
      `${what} was not queued: ${error.message}`,
      error.hint,
    )
  return error instanceof Error && error.name !== 'Error'
    ? error
    : new MsgqError('temporary', `${what} was not queued: ${plainError(error)}`)
}

/**
 * batch - many messages from one input, a line each: of JSON, or of text.
 *
 * Answers in the order of the lines: the id on stdout, or nothing there and the reason on
 * stderr. Good lines are kept whatever the others are; 65 says that some were refused. Takes
 * little memory whatever the input has. At HUP, INT and TERM it reads no further, and answers
 * what is under way.
 */
import { createReadStream, openSync } from 'node:fs'
import type { Readable } from 'node:stream'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { briefSize } from '../base/size.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { checkDraft } from '../message/draft.ts'
import { Answers } from './answers.ts'
import { composeLine } from '../intake/batch-line.ts'
import type { Composed } from '../intake/batch-line.ts'
import { draftFor } from '../intake/compose.ts'
import { timesOf } from '../intake/schedule.ts'
import { sourceOf } from './body.ts'
import type { Io } from './command.ts'
import { openDoor } from './door.ts'
import { checkFit } from '../intake/fit.ts'
import { linesOf } from '../intake/lines.ts'
import { receiversOf } from '../intake/recipient.ts'
import { printIds } from './print-ids.ts'
import { asUsage, readWish } from './send-options.ts'
import type { Line, SendOptions } from './send-options.ts'
import { senderHere } from '../library/sender.ts'
import { onSignal } from './signals.ts'
import { termsOf } from '../library/terms.ts'
import type { Terms } from '../intake/terms.ts'

/** Room in a line for all that is no body. */
const EDGE = 128 * 1024

/** What each line says for itself. */
const PER_LINE = {
  json: '--json',
  form: '-F',
  header: '-H',
  request: '-X',
  contentType: '--content-type',
  subject: '--subject',
  level: '--level',
  key: '--key',
  delay: '--delay',
  at: '--at',
  expires: '--expires',
  hold: '--hold',
} as const satisfies Partial<Record<keyof SendOptions, string>>

/** What a line comes to. */
type Compose = (bytes: Buffer) => Composed

/** How lines are read: each as JSON that says all of it, or each as a text. */
function composer(
  { options }: Line,
  to: string | undefined,
  terms: Terms,
  io: Io,
): Compose {
  const { clock } = io
  if (!options.lines) return (bytes) => composeLine(bytes, { to, terms, now: clock.now() })
  const wish = readWish([], { ...options, data: [], dataBinary: [] }, clock.now())
  if (to === undefined) throw new MsgqError('usage', 'no receiver', 'msgq send --lines TO')
  return (body) => {
    const times = timesOf(wish.schedule, clock.now())
    return { draft: draftFor(to, { ...wish.draft, ...times }, body, terms), body }
  }
}

/** Does the work of `msgq send --batch` and `--lines`; resolves with the exit code. */
export async function sendBatch(line: Line, io: Io, flags: Flags): Promise<number> {
  checkOptions(line)
  const { options } = line
  const place = await findSpool(io.environment, flags)
  const terms = await termsOf(io, flags, place)
  const to = fallbackOf(line.to ?? (io.environment.env['MSGQ_TO'] || undefined), terms)
  const compose = composer(line, to, terms, io)
  const input = openInput(options, io)
  try {
    const take = options.dryRun ? await shower(io, flags) : await taker(io, place, terms)
    const answers = new Answers({
      answer: async (text) => {
        if (options.dryRun) await io.print(text)
        else if (!options.quiet) await printIds([text], io)
      },
      warn: (text) => io.warn(`send: ${text}`),
      // Somebody may keep it open and write nothing for hours.
      onEnd: () => input.destroy(),
    })
    const unhook = onSignal((exitCode) => answers.end(exitCode))
    await readInto(answers, input, lineLimit(terms), async (bytes) => {
      const composed = compose(bytes)
      checkFit(composed.draft, composed.body, terms)
      return take(composed)
    }).finally(unhook)
    const { exitCode, good, refused } = await answers.finish()
    if (options.verbose)
      io.warn(`send: ${good} queued, ${refused} refused, in the spool ${place.spool}`)
    return exitCode
  } finally {
    input.destroy()
  }
}

/** Adds the lines of an input to the answers until either has an end. */
async function readInto(
  answers: Answers,
  input: AsyncIterable<Buffer>,
  limit: number,
  take: (bytes: Buffer) => Promise<string>,
): Promise<void> {
  try {
    for await (const { number, bytes, isOver } of linesOf(input, limit)) {
      if (isBlank(bytes) && !isOver) continue
      await answers.room(bytes.length)
      if (answers.ended) return
      answers.add(number, bytes.length, async () => {
        if (isOver)
          throw new MsgqError('data', `is over the limit of ${briefSize(limit)} for a line`)
        return take(bytes)
      })
    }
  } catch (error) {
    // The end closed the input.
    if (answers.ended) return
    await answers.finish()
    throw new MsgqError('no-input', `input: ${plainError(error)}`, undefined, error)
  }
}

function checkOptions({ text, options }: Line): void {
  const name = options.lines ? '--lines' : '--batch'
  if (options.lines && options.batch)
    throw new MsgqError('usage', '--lines and --batch exclude each other')
  if (options.lines) checkLines(options)
  else checkPerLine(options)
  if (options.wait || options.timeout !== undefined)
    throw new MsgqError(
      'usage',
      `--wait and ${name} exclude each other`,
      'the ids are printed in order: msgq log ID tells what became of each',
    )
  if (options.lastResort)
    throw new MsgqError('usage', `--last-resort and ${name} exclude each other`)
  if (text.length > 0)
    throw new MsgqError('usage', `TEXT and ${name} exclude each other`, 'msgq send --help')
}

/** What is said once holds for all lines, but for what only one message can have. */
function checkLines({ json, form, key }: SendOptions): void {
  for (const [name, given] of Object.entries({ '--json': json, '-F': form, '--key': key }))
    if (given !== undefined)
      throw new MsgqError('usage', `${name} and --lines exclude each other`)
}

function checkPerLine(options: SendOptions): void {
  const given = Object.keys(PER_LINE) as (keyof typeof PER_LINE)[]
  const wrong = given.find((name) => options[name] !== undefined)
  if (wrong !== undefined)
    throw new MsgqError(
      'usage',
      `${PER_LINE[wrong]} and --batch exclude each other`,
      'each line says it for itself',
    )
}

/** The receiver of the lines that name none. */
function fallbackOf(given: string | undefined, terms: Terms): string | undefined {
  if (given === undefined && terms.to === undefined) return undefined
  const [to = '', ...others] = receiversOf(given, terms)
  if (others.length > 0)
    throw new MsgqError('usage', `to: more than one receiver for many messages: ${given}`)
  asUsage(() => checkDraft({ to }))
  return to
}

function openInput({ data = [], dataBinary = [] }: SendOptions, io: Io): Readable {
  const [given, ...others] = [...data, ...dataBinary]
  if (others.length > 0) throw new MsgqError('usage', 'the input is given twice')
  const source = given === undefined ? undefined : sourceOf('-d', given)
  if (source?.kind === 'bytes')
    throw new MsgqError(
      'usage',
      '-d: names no input',
      'for many messages it is @FILE or @-',
    )
  if (source?.kind === 'file')
    try {
      // Opened at once: root may read it, the owner of the spool perhaps not.
      return createReadStream(source.path, {
        fd: openSync(source.path, 'r'),
        highWaterMark: 1 << 20,
      })
    } catch (error) {
      throw new MsgqError(
        'no-input',
        `@${source.path}: ${plainError(error)}`,
        undefined,
        error,
      )
    }
  if (source === undefined && io.stdin.isTTY)
    throw new MsgqError(
      'usage',
      'no messages',
      'pipe them in, or -d @FILE; -d @- reads the terminal',
    )
  return io.stdin
}

type Take = (composed: Composed) => Promise<string>

/** Queues a message; resolves with its id. */
async function taker(io: Io, place: SpoolPlace, terms: Terms): Promise<Take> {
  const sender = senderHere(io.environment.env)
  const outbox = await openDoor(io, place, terms)
  return ({ draft, body }) => outbox.enqueue({ draft, body, sender })
}

/** Queues nothing; resolves with the request that it would be. */
async function shower(io: Io, flags: Flags): Promise<Take> {
  const { requestText, shownConfig } = await import('./dry-run.ts')
  const config = shownConfig(io, flags)
  return async ({ draft, body }) =>
    `${await requestText(draft, body, config, io.clock.now())}\n`
}

/** JSON text may take two bytes for each of the body: quotes, ends of lines, Base64. */
function lineLimit({ messageSizeLimit }: Terms): number {
  return 2 * messageSizeLimit + EDGE
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

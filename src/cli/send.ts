/**
 * send - queues a message; returns once it is on disk.
 *
 * Needs no daemon, no network and no configuration without faults. Prints the id and exits 0 if
 * and only if the message is durable. Everything that can be refused is refused before the
 * first byte is written, so that of several receivers all are served or none; where a disk
 * breaks in between it says who was served and exits 1, because 64 to 78 always mean that
 * nothing was queued. With --wait it then stays, and ends with what became of it.
 */
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { printable } from '../base/text.ts'
import { BODYLESS, checkDraft } from '../message/draft.ts'
import type { Draft } from '../message/draft.ts'
import { idMaker } from '../message/id.ts'
import { readSource } from './body.ts'
import type { Define, Io } from './command.ts'
import { checkJson, draftFor } from '../intake/compose.ts'
import { refuseSilence } from './curl-options.ts'
import { openDoor } from './door.ts'
import { secretNames } from './header.ts'
import { digestOnce, randomOnce } from './one-off.ts'
import { printIds } from './print-ids.ts'
import { receiversOf } from '../intake/recipient.ts'
import { isLate, timesOf } from '../intake/schedule.ts'
import { addSendOptions, asUsage, readWish } from './send-options.ts'
import type { Line, SendOptions, Wish } from './send-options.ts'
import { senderHere } from '../library/sender.ts'
import { sentOf } from './sent.ts'
import { shielded } from './signals.ts'
import { termsOf } from '../library/terms.ts'
import type { Terms } from '../intake/terms.ts'

export const define: Define = (command, begin) => {
  addSendOptions(command)
  command.action((to: string | undefined, text: string[], options: SendOptions) => {
    refuseSilence(command, options.subject)
    begin((io, flags) => run({ to, text, options }, io, flags))
  })
}

/** Does what a line says; resolves with the exit code. */
export async function run(line: Line, io: Io, flags: Flags): Promise<number> {
  if (!line.options.batch && !line.options.lines) return send(line, io, flags)
  const { sendBatch } = await import('./batch.ts')
  return sendBatch(line, io, flags)
}

async function send({ to, text, options }: Line, io: Io, flags: Flags): Promise<number> {
  // Before anything is read or said: what is not in main-send.ts begins anew.
  const dryRun = options.dryRun ? await import('./dry-run.ts') : undefined
  const forms = options.form ? await import('./form.ts') : undefined
  const lastly = options.lastResort ? await import('./last-resort.ts') : undefined
  const waiting = options.wait ? await import('./wait.ts') : undefined
  const timeout = waiting?.readTimeout(options.timeout) ?? 0
  if (waiting === undefined && options.timeout !== undefined)
    throw new MsgqError('usage', '--timeout: there is no --wait', 'add --wait')
  const now = io.clock.now()
  if (options.event !== undefined) refuseReceiver(to, options)
  const wish = readWish(text, options, now)
  timesOf(wish.schedule, now)
  const place = await findSpool(io.environment, flags)
  const terms = await termsOf(io, flags, place)
  const receivers =
    options.event === undefined
      ? receiversOf(to ?? (io.environment.env['MSGQ_TO'] || undefined), terms)
      : []
  if (options.key !== undefined && receivers.length > 1)
    throw new MsgqError(
      'usage',
      '--key and more than one receiver exclude each other',
      'a key stands for one message: send it to each of them with a key of its own',
    )
  const fit = hasSchema(receivers, terms) ? await import('../intake/fit.ts') : undefined
  for (const each of receivers) asUsage(() => checkDraft({ to: each, ...wish.draft }))
  warn(wish, io, now)
  const form = await forms?.encodeForm(options.form ?? [], io, terms.messageSizeLimit)
  const body = form?.bytes ?? (await bodyOf(wish, { receivers, terms, options, io }))
  if (body === undefined) return 0

  const contentType = form === undefined ? {} : { contentType: form.contentType }
  const times = timesOf(wish.schedule, io.clock.now())
  const asked = { ...wish.draft, ...contentType, ...times }
  const drafts =
    options.event === undefined
      ? receivers.map((each) => draftFor(each, asked, body, terms))
      : [draftFor(undefined, asked, body, terms)]
  for (const draft of drafts) fit?.checkFit(draft, body, terms)
  if (dryRun !== undefined) {
    const config = dryRun.shownConfig(io, flags)
    const requests = await Promise.all(
      drafts.map((draft) => dryRun.requestText(draft, body, config, now)),
    )
    await io.print(requests.join('\n'))
    return 0
  }
  try {
    return await queue({ drafts, body, place, terms, waiting, timeout, options, io })
  } catch (error) {
    if (lastly === undefined) throw error
    return lastly.deliverAtOnce({ error, drafts, body }, io, flags)
  }
}

interface Ready {
  readonly drafts: readonly Draft[]
  readonly body: Buffer
  readonly place: SpoolPlace
  readonly terms: Terms
  readonly waiting: typeof import('./wait.ts') | undefined
  readonly timeout: number
  readonly options: SendOptions
  readonly io: Io
}

async function queue(ready: Ready): Promise<number> {
  const { drafts, body, place, terms, waiting, timeout, options, io } = ready
  const sender = senderHere(io.environment.env)
  const nextId = idMaker(io.clock.now, randomOnce)
  const outbox = await openDoor(io, place, termsFor(drafts, terms), {
    digest: digestOnce,
    nextId,
  })
  const waiter = await waiting?.Waiter.open(io, place, timeout)
  const { code, ids } = await shielded(async () => {
    const enqueued = await Promise.allSettled(
      drafts.map((draft) => outbox.enqueue({ draft, body, sender })),
    )
    const sent = sentOf(enqueued, drafts)
    if (!options.quiet) await printIds(sent.ids, io)
    for (const line of sent.told) io.warn(`send: ${line}`)
    if (options.verbose)
      io.warn(`send: ${body.length} bytes of body, in the spool ${place.spool}`)
    return sent
  })
  const end = (await waiter?.until(ids)) ?? 0
  return code === 0 ? end : code
}

/** Whether a body may be refused for what it is; of an event it is looked at more closely later. */
function hasSchema(receivers: readonly string[], terms: Terms): boolean {
  const { destinations, eventSchemas = [] } = terms
  if (receivers.length === 0) return eventSchemas.length > 0
  return receivers.some((to) => destinations?.get(to)?.schema !== undefined)
}

/** What is critical may take the room that min_free keeps: it may be about that very disk. */
function termsFor([first]: readonly Draft[], terms: Terms): Terms {
  return first?.level === 'critical' ? { ...terms, minFree: 0 } : terms
}

/** Routes decide where an event goes. */
function refuseReceiver(to: string | undefined, { dryRun }: SendOptions): void {
  if (dryRun)
    throw new MsgqError(
      'usage',
      '--dry-run and --event exclude each other',
      'msgq route --event NAME -d DATA shows what it becomes',
    )
  if (to === undefined) return
  throw new MsgqError(
    'usage',
    `--event and TO exclude each other: ${printable(JSON.stringify(to), 80)}`,
    'routes decide where it goes; the message stands behind -d or --json, or on stdin',
  )
}

function warn({ draft, schedule }: Wish, io: Io, now: number): void {
  if (isLate(schedule, now)) io.warn('send: --at is over: it goes out at once')
  const secrets = secretNames(draft)
  if (secrets.length > 0 && io.stderr.isTTY)
    io.warn(`send: ${secrets.join(', ')} lies in the spool as it is: better in msgq.toml`)
}

interface Setting {
  readonly receivers: readonly string[]
  readonly terms: Terms
  readonly options: SendOptions
  readonly io: Io
}

/** The body; undefined when there is nothing to send and that is no fault. */
async function bodyOf(wish: Wish, setting: Setting): Promise<Buffer | undefined> {
  const { options, terms, io } = setting
  const { source } = wish
  const bodyless = isBodyless(wish.draft.method, setting)
  if (source.kind === 'stdin') {
    if (bodyless && !source.explicit) return Buffer.alloc(0)
    if (bodyless)
      throw new MsgqError(
        'usage',
        '@-: stdin is never read for GET, HEAD, DELETE and OPTIONS',
        'give the body on the line, or as @FILE',
      )
    if (!source.explicit && io.stdin.isTTY)
      throw new MsgqError(
        'usage',
        'no message',
        'msgq send TO TEXT, or -d, or a pipe; -d @- reads the terminal',
      )
  }
  const body = await readSource(source, io, terms.messageSizeLimit)
  if (source.kind === 'stdin' && body.length === 0) {
    if (options.skipEmpty) return undefined
    if (!source.explicit && !wish.isJson)
      throw new MsgqError(
        'data',
        'nothing on stdin, nothing queued',
        `-d '' sends an empty message; -E: stay silent`,
      )
  }
  if (wish.isJson) checkJson('--json', body)
  return body
}

function isBodyless(method: string | undefined, { receivers, terms }: Setting): boolean {
  if (receivers.length === 0) return BODYLESS.has(method ?? 'POST')
  return receivers.every((to) =>
    BODYLESS.has(method ?? terms.destinations?.get(to)?.method ?? 'POST'),
  )
}

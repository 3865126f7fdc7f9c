/**
 * show-curl - the request that a message would become now, as a curl command: `msgq show --curl`.
 */
import { MsgqError } from '../base/errors.ts'
import type { Config, Destination } from '../config/config.ts'
import type { Flags } from '../config/find.ts'
import { destinationOf } from '../config/limits.ts'
import { loadConfig } from '../config/load.ts'
import { render } from '../delivery/render.ts'
import type { Rendered } from '../delivery/render.ts'
import type { Body } from '../message/body.ts'
import type { Envelope } from '../message/envelope.ts'
import { shortId } from '../message/id.ts'
import type { Desk, Message } from '../queue/queue.ts'
import type { Io } from './command.ts'
import { curlCommand } from './curl.ts'
import { provenBody } from './proven-body.ts'

/** Prints the request of the next attempt at a message; resolves with the exit code. */
export async function printCurl(
  io: Io,
  flags: Flags,
  desk: Desk,
  message: Message,
): Promise<number> {
  const { envelope, entry, defect } = message
  if (envelope === undefined)
    throw new MsgqError('data', `${entry.id}: ${defect ?? 'has no envelope'}`)
  const { to } = envelope
  const config = loadConfig(io.environment, flags)
  const destination = to === undefined ? undefined : destinationOf(config, to)
  if (destination === undefined)
    throw new MsgqError(
      'config',
      to === undefined
        ? `${entry.id} is an event, and no request yet`
        : `no such destination: ${to}`,
      to === undefined
        ? 'msgq route shows what it becomes'
        : 'msgq config lists those that there are',
    )
  if (destination.type !== 'http')
    throw new MsgqError(
      'usage',
      `--curl: ${to} is of type "${destination.type}", and no HTTP request`,
      `msgq show ${shortId(entry.id)} --body prints what it is given`,
    )
  const isEvent = envelope.event !== undefined
  const stored =
    destination.preset !== undefined || isEvent
      ? await provenBody(desk, message)
      : undefined
  const made =
    isEvent && stored !== undefined
      ? await madeOf(envelope, stored, destination, config)
      : undefined
  const { text, masked: isMasked } = await curlCommand(
    made === undefined ? envelope : { ...envelope, contentType: made.contentType },
    destination,
    entry.tries + 1,
    stored,
    made?.body,
  )
  await io.print(`${text}\n`)
  if (isMasked) io.warn('show: **** stands for what is secret')
  return 0
}

/** What the template of its route makes of it now; undefined: it goes out as it is stored. */
async function madeOf(
  envelope: Envelope,
  body: Body,
  destination: Destination,
  { routes }: Config,
): Promise<Rendered | undefined> {
  const made = await render(envelope, body, destination, routes)
  if (made === undefined || made.kind === 'rendered') return made
  const hint = `msgq show ${shortId(envelope.id)} --body prints what the template is given`
  throw new MsgqError('data', `${envelope.id}: ${made.reason}`, hint)
}

/**
 * dry-run - the request, or whatever else, that a message would become, as a person may see it.
 *
 * Made by what makes the real one. Secrets are never looked up: stars stand for them.
 */
import { MsgqError } from '../base/errors.ts'
import { briefSize } from '../base/size.ts'
import { VERSION } from '../base/version.ts'
import type { Config, HttpDestination } from '../config/config.ts'
import type { Flags } from '../config/find.ts'
import { destinationOf } from '../config/limits.ts'
import { loadConfig } from '../config/load.ts'
import type { Draft } from '../message/draft.ts'
import { seal } from '../message/envelope.ts'
import { bodyLength, buildRequest } from '../transport/request.ts'
import { shape } from '../transport/shape.ts'
import type { Attempt } from '../transport/transport.ts'
import type { Io } from './command.ts'
import { senderHere } from '../library/sender.ts'
import { hinted, shownUrl, shownValue, STARS } from './shown-request.ts'
import { wayText } from './way-text.ts'

/** Stands where the id will be. */
const ID = '(the id)'
/** Stands for a URL that is a secret. */
const HIDDEN = 'https://hidden.invalid/'

/** The configuration to show requests by; undefined when it has faults. */
export function shownConfig(io: Io, flags: Flags): Config | undefined {
  try {
    return loadConfig(io.environment, flags)
  } catch (error) {
    if (error instanceof MsgqError) return undefined
    throw error
  }
}

/** What the first attempt would hand over: its head, what else is known, its body. */
export async function requestText(
  draft: Draft,
  body: Buffer,
  config: Config | undefined,
  now: number,
): Promise<string> {
  const { to = '', method = 'POST' } = draft
  const destination = config && destinationOf(config, to)
  if (destination === undefined)
    return `${method} (the URL of ${to})\n${remarks(draft)}\n${shownBody(body)}`
  const envelope = seal(draft, body, { id: ID, now, sender: senderHere() })
  if (destination.type !== 'http') {
    const { text, isWhole } = wayText(envelope, body, destination)
    return `${text}${remarks(draft)}${isWhole ? '' : `\n${shownBody(body)}`}`
  }
  const shaped = await shape(
    {
      envelope,
      body: { kind: 'bytes', bytes: body },
      destination,
      number: 1,
    },
    () => STARS,
  )
  if ('outcome' in shaped)
    return `# ${shaped.outcome.kind}: ${shaped.outcome.reason}\n${remarks(draft)}\n${shownBody(body)}`
  const { attempt } = shaped
  const bytes = attempt.body.kind === 'bytes' ? Buffer.from(attempt.body.bytes) : body
  return `${headOf(attempt)}${remarks(draft)}\n${shownBody(bytes)}`
}

function headOf(attempt: Attempt<HttpDestination>): string {
  const { destination } = attempt
  const secretUrl = typeof destination.url !== 'string'
  const { method, headers } = buildRequest(
    secretUrl ? { ...attempt, destination: { ...destination, url: HIDDEN } } : attempt,
    VERSION,
    () => STARS,
    hinted(destination, bodyLength(attempt.body)),
  )
  let text = `${method} ${shownUrl(destination)}\n`
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = headers.slice(at, at + 2) as [string, string]
    text += `${name}: ${shownValue(destination, name, value)}\n`
  }
  return text
}

/** What is no part of the request. */
function remarks({ notBefore, expiresAt, hold, subject, level }: Draft): string {
  const lines = [
    notBefore === undefined ? [] : [`not before ${notBefore}`],
    expiresAt === undefined ? [] : [`expires at ${expiresAt}`],
    hold ? ['held until it is released'] : [],
    subject === undefined ? [] : [`subject: ${subject}`],
    level === undefined ? [] : [`level: ${level}`],
  ].flat()
  return lines.map((line) => `# ${line}\n`).join('')
}

function shownBody(body: Buffer): string {
  if (body.length === 0) return ''
  const text = body.toString()
  // What is no text, or would move the cursor of a terminal, is only counted.
  if (text.includes('\uFFFD') || /[^\P{Cc}\t\n\r]/u.test(text))
    return `(${briefSize(body.length)} that are no text)\n`
  return text.endsWith('\n') ? text : `${text}\n`
}

/**
 * way-text - what a message would become on a way that is no HTTP request, as a person may see it.
 *
 * Made by what makes the real one. Secrets are never looked up: stars stand for them.
 */
import type { Destination, HttpDestination } from '../config/config.ts'
import type { Envelope } from '../message/envelope.ts'
import { execEnvironment } from '../transport/environment.ts'
import { lineOf } from '../transport/line.ts'
import { mailOf } from '../transport/mail.ts'
import { commandLine } from './shell-words.ts'

/** A destination that no HTTP request goes to. */
export type Other = Exclude<Destination, HttpDestination>

const STARS = '****'
/** Stands for when it will have been accepted. */
const TIME = '(the time)'

/** What leads to it, in a few words: `exec /usr/bin/program`. */
export function wayOf(destination: Other): string {
  switch (destination.type) {
    case 'exec':
      return `exec ${commandLine(destination.command)}`
    case 'smtp':
      return `mail to ${destination.recipients.join(', ')} by ${destination.host}:${destination.port}`
    case 'file':
      return `append to ${destination.path}`
  }
}

/** The head of what it would be given. The body follows, unless `isWhole`. */
export function wayText(
  envelope: Envelope,
  body: Buffer,
  destination: Other,
): { readonly text: string; readonly isWhole: boolean } {
  const way = wayOf(destination)
  switch (destination.type) {
    case 'exec': {
      const attempt = {
        envelope,
        body: { kind: 'bytes', bytes: body },
        destination,
        number: 1,
      } as const
      const { PATH: _, ...held } = execEnvironment(attempt, {}, () => STARS)
      const lines = Object.entries({ ...held, MSGQ_CREATED_AT: TIME })
      const text = lines.map(([name, value]) => `${name}=${value}\n`).join('')
      return { text: `${way}\n${text}`, isWhole: false }
    }
    case 'smtp': {
      const { from, subject, messageId, headers, priority, ...parts } = mailOf(
        envelope,
        body,
        destination,
      )
      const type =
        parts.attachments?.[0]?.contentType ??
        (parts.html === undefined ? 'text/plain' : 'text/html')
      const lines = {
        From: from,
        To: destination.recipients.join(', '),
        Subject: subject,
        'Message-ID': messageId,
        ...headers,
        ...(priority === undefined ? {} : { Importance: priority }),
        'Content-Type': type,
      }
      const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\n`)
      return { text: `${way}\n${text.join('')}`, isWhole: false }
    }
    case 'file': {
      const line = lineOf({ ...envelope, createdAt: TIME }, body, destination.contentType)
      return { text: `${way}\n${line.toString()}`, isWhole: true }
    }
  }
}

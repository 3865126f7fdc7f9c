/**
 * mail - the mail that a message becomes: the same one at each attempt.
 *
 * Its Message-ID and its Date are those of the message, so that a receiver who got it twice can tell.
 * A body that is plain text or a page of UTF-8 is the text of the mail; any other is its one part,
 * under its own content type. nodemailer writes it, and encodes what stands in a header. Pure.
 */
import { isUtf8 } from 'node:buffer'

import type { SmtpDestination } from '../config/config.ts'
import type { Envelope } from '../message/envelope.ts'

/** What nodemailer is given. */
export interface Mail {
  readonly from: string
  readonly to: string[]
  /** Who gets it this time, of all whom it names. */
  readonly envelope: { readonly from: string; readonly to: string[] }
  readonly subject: string
  readonly messageId: string
  readonly date: Date
  readonly headers: Record<string, string>
  readonly priority?: 'high'
  readonly text?: string
  readonly html?: string
  readonly attachments?: { content: Buffer; contentType: string; filename: false }[]
}

const URGENT: ReadonlySet<string | undefined> = new Set(['error', 'critical'])
const PLAIN = 'text/plain; charset=utf-8'

/** The mail of a message. */
export function mailOf(
  envelope: Envelope,
  body: Uint8Array,
  { from, recipients, contentType, name }: SmtpDestination,
  receivers: readonly string[] = recipients,
): Mail {
  const { id, subject, level, createdAt } = envelope
  return {
    from,
    to: [...recipients],
    envelope: { from, to: [...receivers] },
    subject: subject ?? `msgq: message for ${name}`,
    messageId: `<${id}@${domainOf(from)}>`,
    date: new Date(createdAt),
    headers: {
      // RFC 3834: no vacation notice comes back.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Msgq-Id': id,
      ...(level === undefined ? {} : { 'X-Msgq-Level': level }),
    },
    ...(URGENT.has(level) ? { priority: 'high' } : {}),
    ...partOf(body, envelope.contentType ?? contentType ?? PLAIN),
  }
}

function partOf(
  body: Uint8Array,
  contentType: string,
): Pick<Mail, 'text' | 'html' | 'attachments'> {
  const content = Buffer.from(body)
  const plain = /^text\/(plain|html)\s*(?:;\s*charset="?(?:utf-8|us-ascii)"?\s*)?$/i.exec(
    contentType.trim(),
  )
  if (body.length === 0) return { text: '' }
  if (plain === null || !isUtf8(content))
    return { attachments: [{ content, contentType, filename: false }] }
  const text = content.toString()
  return plain[1]!.toLowerCase() === 'html' ? { html: text } : { text }
}

/** The domain of `Name <user@domain>`. */
function domainOf(from: string): string {
  return /@([^\s<>@]+?)>?\s*$/.exec(from)?.[1] ?? 'localhost'
}

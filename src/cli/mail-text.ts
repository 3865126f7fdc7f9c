/**
 * mail-text - what a mail of RFC 5322 says: subject, receivers, and its text.
 *
 * Never refuses: what cannot be parsed is text as it stands. Text is the text/plain parts, else
 * what can be read of the HTML; parts that are neither are named and not taken.
 */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'

import type { Address, Attachment, Email } from 'postal-mime'

import { printable } from '../base/text.ts'
import { sizeText } from './size-text.ts'

export interface Mail {
  readonly subject?: string
  /** Of To, Cc and Bcc: addresses as they stand there, also those without a domain. */
  readonly receivers: readonly string[]
  readonly text: string
}

const HEADER = /^[!-9;-~]+[ \t]*:/
/** What cron and others say where nobody set a locale, whatever the bytes are. */
const ASCII = /(charset\s*=\s*)"?(?:us-ascii|ascii|ansi_x3\.4-1968)"?/i

/**
 * No mail of this world has more. postal-mime 4.0 joins encoded words in quadratic time
 * (GHSA-f2hq-32vh-53cc): half a second here, and half a minute within its own bound.
 */
const MAX_HEADERS = 256 * 1024

/** Reads a mail. */
export async function readMail(raw: Buffer): Promise<Mail> {
  // Line 1 of a mail out of an mbox.
  const bytes = raw.toString('latin1', 0, 5) === 'From ' ? afterLine(raw) : raw
  const plain: Mail = { receivers: [], text: textOf(bytes) }
  if (!HEADER.test(bytes.toString('latin1', 0, 1000))) return plain
  const { default: PostalMime } = await import('postal-mime')
  const parse = (source: Buffer): Promise<Email> =>
    PostalMime.parse(source, { maxHeadersSize: MAX_HEADERS })
  let email: Email
  try {
    email = await parse(withCharset(bytes))
  } catch {
    // Nested too deep, or headers without an end.
    return plain
  }
  const { to = [], cc = [], bcc = [], attachments } = email
  const subject = printable(email.subject ?? '', 1000)
  const text = email.text ?? (await ofHtml(email.html, parse)) ?? ''
  const passed = attachments.map(passedBy).join('')
  return {
    ...(subject === '' ? {} : { subject }),
    receivers: [...to, ...cc, ...bcc].flatMap(addressesOf),
    text: passed === '' || text === '' ? text + passed : `${text.trimEnd()}\n\n${passed}`,
  }
}

function afterLine(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.indexOf(0x0a) + 1)
}

function textOf(bytes: Buffer): string {
  const text = new TextDecoder(charsetOf(bytes)).decode(bytes)
  return text.replaceAll('\r\n', '\n')
}

function charsetOf(bytes: Buffer): string {
  return isUtf8(bytes) ? 'utf-8' : 'windows-1252'
}

/** Says which characters the bytes are, where the mail says nothing or something untrue. */
function withCharset(bytes: Buffer): Buffer {
  const end = /\r?\n\r?\n/.exec(bytes.toString('latin1'))?.index ?? bytes.length
  const head = bytes.toString('latin1', 0, end)
  const charset = charsetOf(bytes)
  if (!/^content-type[ \t]*:/im.test(head))
    return Buffer.concat([
      Buffer.from(`Content-Type: text/plain; charset=${charset}\n`),
      bytes,
    ])
  const told = head.replace(ASCII, `$1${charset}`)
  return Buffer.concat([Buffer.from(told, 'latin1'), bytes.subarray(end)])
}

/** The text of HTML: the library makes one where there is plain text beside it. */
async function ofHtml(
  html: string | undefined,
  parse: (source: Buffer) => Promise<Email>,
): Promise<string | undefined> {
  if (html === undefined) return undefined
  const boundary = randomUUID()
  const part = (type: string, body: string) =>
    `--${boundary}\nContent-Type: text/${type}; charset=utf-8\n\n${body}\n`
  const mail = `Content-Type: multipart/mixed; boundary="${boundary}"\n\n${part('plain', '')}${part('html', html)}--${boundary}--\n`
  return (await parse(Buffer.from(mail))).text?.trimStart()
}

function passedBy({ filename, mimeType, content }: Attachment): string {
  const name = filename === null ? '' : `${printable(filename, 100)}, `
  const bytes = typeof content === 'string' ? content.length : content.byteLength
  return `[not taken: ${name}${printable(mimeType, 100)}, ${sizeText(bytes)}]\n`
}

function addressesOf(address: Address): string[] {
  if (address.group !== undefined) return address.group.flatMap(addressesOf)
  const given = address.address || address.name
  return given === '' ? [] : [given]
}

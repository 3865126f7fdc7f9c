/**
 * curl - the request that an attempt would make, as a command for a shell, secrets masked.
 *
 * For trying a receiver by hand. What it prints is quoted for a POSIX shell, whatever the
 * sender wrote; its body comes from `msgq show ID --body`.
 */
import { Readable } from 'node:stream'

import { VERSION } from '../base/version.ts'
import type { HttpDestination } from '../config/config.ts'
import { shortId } from '../message/id.ts'
import { shownHeader, shownTo } from '../message/mask.ts'
import type { Envelope } from '../message/envelope.ts'
import { buildRequest } from '../transport/request.ts'
import { quote } from './shell-words.ts'

const MASK = '****'

export interface CurlCommand {
  readonly text: string
  /** Something in it stands for a secret. */
  readonly masked: boolean
}

/** The command that makes the same request as attempt `number` at this message. */
export async function curlCommand(
  envelope: Envelope,
  destination: HttpDestination,
  number: number,
): Promise<CurlCommand> {
  const url = typeof destination.url === 'string' ? shownTo(destination.url) : MASK
  const request = await buildRequest(
    {
      envelope,
      body: { kind: 'stream', length: envelope.bytes, open: () => Readable.from([]) },
      // Only its headers count here: the URL may be a secret.
      destination: { ...destination, url: 'http://masked.invalid/' },
      number,
    },
    VERSION,
    () => MASK,
  )
  const headers = headersOf(request.headers)
  const words = [
    request.method === 'HEAD' ? '-I' : `-X ${request.method}`,
    quote(url),
    ...headers.map((header) => `-H ${quote(header)}`),
    ...(envelope.bytes > 0 ? ['--data-binary @-'] : []),
  ]
  const source = envelope.bytes > 0 ? `msgq show ${shortId(envelope.id)} --body | ` : ''
  const [first, second, ...rest] = words
  const text = [`${source}curl ${first} ${second}`, ...rest].join(' \\\n  ')
  const masked = url !== destination.url || headers.some((it) => it.endsWith(MASK))
  return { text, masked }
}

/** `name: value` of each header but the length, which curl counts itself. */
function headersOf(flat: readonly string[]): string[] {
  const headers: string[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = [flat[at]!, flat[at + 1]!]
    if (name !== 'content-length') headers.push(`${name}: ${shown(name, value)}`)
  }
  return headers
}

/** That key is no secret: it says which message it is. */
function shown(name: string, value: string): string {
  return name === 'idempotency-key' ? value : shownHeader(name, value)
}

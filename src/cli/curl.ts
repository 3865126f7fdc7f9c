/**
 * curl - the request that an attempt would make, as a command for a shell, secrets masked.
 *
 * For trying a receiver by hand. What it prints is quoted for a POSIX shell, whatever the
 * sender wrote; its body comes from `msgq show ID --body`.
 */
import { Readable } from 'node:stream'

import { MsgqError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { HttpDestination } from '../config/config.ts'
import type { Body } from '../message/body.ts'
import { shortId } from '../message/id.ts'
import type { Envelope } from '../message/envelope.ts'
import { buildRequest } from '../transport/request.ts'
import { shape } from '../transport/shape.ts'
import { quote } from './shell-words.ts'
import { hinted, shownUrl, shownValue, STARS } from './shown-request.ts'

export interface CurlCommand {
  readonly text: string
  /** Something in it stands for a secret. */
  readonly masked: boolean
}

/**
 * The command that makes the same request as attempt `number` at this message. `body` is needed
 * where the destination makes something else of it, `rendered` where a template already did.
 */
export async function curlCommand(
  envelope: Envelope,
  destination: HttpDestination,
  number: number,
  body: Body = {
    kind: 'stream',
    length: envelope.bytes,
    open: () => Readable.from([]),
  },
  rendered?: Body,
): Promise<CurlCommand> {
  const url = shownUrl(destination)
  // Only its headers count here: the URL may be a secret.
  const masked = { ...destination, url: 'http://masked.invalid/' }
  const shaped = await shape(
    { envelope, body: rendered ?? body, destination: masked, number },
    () => STARS,
  )
  if ('outcome' in shaped) throw new MsgqError('data', shaped.outcome.reason)
  const hints = hinted(destination, 0)
  const request = buildRequest(shaped.attempt, VERSION, () => STARS, hints)
  const made = shaped.attempt.body === body ? undefined : textOf(shaped.attempt.body)
  const headers = headersOf(request.headers, destination)
  const words = [
    request.method === 'HEAD' ? '-I' : `-X ${request.method}`,
    quote(url),
    ...wayWords(destination),
    ...headers.map((header) => `-H ${quote(header)}`),
    ...(made === undefined ? [] : [`--data-binary ${quote(made)}`]),
    ...(made === undefined && envelope.bytes > 0 ? ['--data-binary @-'] : []),
  ]
  const isPiped = made === undefined && envelope.bytes > 0
  const source = isPiped ? `msgq show ${shortId(envelope.id)} --body | ` : ''
  const [first, second, ...rest] = words
  const text = [`${source}curl ${first} ${second}`, ...rest].join(' \\\n  ')
  const isMasked =
    url !== destination.url ||
    made?.includes(STARS) === true ||
    headers.some((it) => it.endsWith(STARS))
  return { text, masked: isMasked }
}

function textOf(body: Body): string {
  return body.kind === 'bytes' ? Buffer.from(body.bytes).toString() : ''
}

/** `name: value` of each header but the length, which curl counts itself. */
function headersOf(flat: readonly string[], destination: HttpDestination): string[] {
  const headers: string[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = [flat[at]!, flat[at + 1]!]
    if (name !== 'content-length')
      headers.push(`${name}: ${shownValue(destination, name, value)}`)
  }
  return headers
}

/** Certificates, proxy and version, as curl calls them. */
function wayWords({ tls, proxy, http2 }: HttpDestination): string[] {
  const { cert, key, ca } = tls ?? {}
  const named = [
    ['--cert', cert],
    ['--key', key],
    ['--cacert', ca],
    ['--proxy', proxy === 'none' ? '' : proxy],
  ] as const
  const words = named.flatMap(([word, held]) => {
    if (held === undefined) return []
    if (typeof held === 'string') return [`${word} ${quote(held)}`]
    return [`${word} ${'file' in held && word !== '--proxy' ? quote(held.file) : STARS}`]
  })
  return http2 === true ? [...words, '--http2'] : words
}

/**
 * own-route - what a destination says of its connections itself: certificates, and the proxy.
 *
 * Looked up at each attempt, as secrets are, so that a file that was renewed counts from the next
 * attempt on. `mark` tells two of them apart: with another one connections are made anew. Throws a
 * MsgqError that names what cannot be had.
 */
import { createHash } from 'node:crypto'

import { MsgqError } from '../base/errors.ts'
import type { HttpDestination } from '../config/config.ts'
import { formatSecret } from '../config/reference.ts'
import type { Secret } from '../config/reference.ts'
import type { TlsOptions } from '../config/wire.ts'
import { proxyUrl } from './proxy.ts'
import type { SecretSource } from './transport.ts'

export interface OwnRoute {
  /** PEM texts, as node:tls takes them. */
  readonly tls?: Readonly<Record<'cert' | 'key' | 'ca', string | undefined>>
  /** Null: straight there, whatever the environment says. */
  readonly proxy?: URL | null
  readonly mark: string
}

/** What a destination says itself; undefined where it says nothing. */
export function ownRoute(
  { tls, proxy }: HttpDestination,
  source: SecretSource,
): OwnRoute | undefined {
  if (tls === undefined && proxy === undefined) return undefined
  const hash = createHash('sha256')
  const texts = tls === undefined ? undefined : pemTexts(tls, source)
  for (const text of Object.values(texts ?? {})) hash.update(`${text ?? ''}\0`)
  const through = proxy === undefined ? undefined : proxyOf(proxy, source)
  hash.update(through?.href ?? String(through))
  return {
    ...(texts === undefined ? {} : { tls: texts }),
    ...(through === undefined ? {} : { proxy: through }),
    mark: ` ${hash.digest('base64')}`,
  }
}

function proxyOf(proxy: string | Secret, source: SecretSource): URL | null {
  if (proxy === 'none') return null
  const isPlain = typeof proxy === 'string'
  const name = isPlain ? 'proxy' : `proxy (secret ${formatSecret(proxy)})`
  const url = proxyUrl(isPlain ? proxy : source(proxy), name)
  if (url instanceof MsgqError) throw url
  return url
}

function pemTexts(
  { cert, key, ca }: TlsOptions,
  source: SecretSource,
): NonNullable<OwnRoute['tls']> {
  const read = (secret: Secret | undefined) => secret && source(secret, 'pem')
  return { cert: read(cert), key: read(key), ca: read(ca) }
}

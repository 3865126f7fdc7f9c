/**
 * wire - what a destination may say of its requests beyond URL, method, headers and auth.
 *
 * Each member is absent where nobody asked for it, and then costs nothing. Secrets are named
 * here and looked up at each attempt.
 */
import type { SignatureKind } from '../message/signature.ts'
import type { Path } from './problem.ts'
import type { Secret } from './reference.ts'

export interface WireOptions {
  /** Added to the URL, in this order. */
  readonly query?: Readonly<Record<string, string | Secret>>
  /** The header that carries the idempotency key, in lower case, or `none`. */
  readonly idempotencyHeader?: string
  /** The statuses that mean delivered, in place of all 2xx. */
  readonly success?: readonly number[]
  readonly sign?: SignOptions
  readonly tls?: TlsOptions
  /** In place of the environment's: a URL, or `none`. */
  readonly proxy?: string | Secret
  readonly http2?: boolean
  readonly compress?: 'gzip'
  /** A shorter body goes as it is (bytes). */
  readonly compressAbove?: number
}

export interface SignOptions {
  /** Each makes a signature of its own. */
  readonly secrets: readonly Secret[]
  /** Of a secret without a prefix; a prefix must not contradict it. */
  readonly kind?: SignatureKind
}

/** PEM files, in place of what Node would use. */
export interface TlsOptions {
  readonly cert?: Secret
  readonly key?: Secret
  readonly ca?: Secret
}

/** One line, or a PEM file of many. */
export type SecretForm = 'line' | 'pem'

/** The secrets among these options, each with its path. */
export function wireSecrets({
  query = {},
  sign,
  tls = {},
  proxy,
}: WireOptions): [Path, Secret, SecretForm?][] {
  const secrets: [Path, Secret, SecretForm?][] = []
  for (const [name, held] of Object.entries(query))
    if (typeof held !== 'string') secrets.push([['query', name], held])
  for (const secret of sign?.secrets ?? []) secrets.push([['sign', 'secret'], secret])
  for (const [name, held] of Object.entries(tls) as [string, Secret][])
    secrets.push([['tls', name], held, 'pem'])
  if (proxy !== undefined && typeof proxy !== 'string') secrets.push([['proxy'], proxy])
  return secrets
}

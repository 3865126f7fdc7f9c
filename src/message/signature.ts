/**
 * signature - Standard Webhooks signatures, made and checked: v1 (HMAC-SHA256), v1a (Ed25519).
 *
 * What is signed is `<webhook-id>.<webhook-timestamp>.<body>`, the body byte by byte. Keys are
 * written `whsec_` (v1, both ends), `whsk_` (v1a, who signs) and `whpk_` (v1a, who checks), with
 * base64 behind. Whatever is wrong with a key is said without the key. Pure.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign as signBytes,
  timingSafeEqual,
  verify as verifyBytes,
} from 'node:crypto'
import type { Hmac, KeyObject } from 'node:crypto'

export const SIGNATURE_KINDS = ['v1', 'v1a'] as const
export type SignatureKind = (typeof SIGNATURE_KINDS)[number]

/** What signs. */
export type SigningKey =
  | { readonly kind: 'v1'; readonly secret: Uint8Array }
  | { readonly kind: 'v1a'; readonly key: KeyObject }

/** What a signature stands for, apart from the body. */
export interface Signed {
  readonly id: string
  /** Seconds since the epoch. */
  readonly timestamp: number
}

/** An Ed25519 key in DER without its last 32 bytes: PKCS #8 and SPKI. */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')
const LENGTH = 32

/**
 * A key to sign with. Without a prefix it is one of `kind`; with one it must not contradict.
 * Throws an Error whose message says what is wrong with it.
 */
export function signingKey(text: string, kind?: SignatureKind): SigningKey {
  const [, prefix = '', rest = ''] = /^(wh[a-z]+_)?(.*)$/s.exec(text) ?? []
  if (prefix === 'whpk_') throw new Error('is a public key (whpk_), which signs nothing')
  const meant = prefix === '' ? (kind ?? 'v1') : KINDS[prefix]
  if (meant === undefined) throw new Error('begins with neither whsec_ nor whsk_')
  if (kind !== undefined && meant !== kind)
    throw new Error(`is a key for ${meant} (${prefix}), and not for ${kind}`)
  const bytes = decoded(rest)
  return meant === 'v1' ? { kind: 'v1', secret: bytes } : privateKey(bytes)
}

const KINDS: Readonly<Record<string, SignatureKind>> = { whsec_: 'v1', whsk_: 'v1a' }

function decoded(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Error('is no base64')
  return Buffer.from(text, 'base64')
}

/** The seed alone, or the seed and behind it the public key. */
function privateKey(bytes: Buffer): SigningKey {
  if (bytes.length !== LENGTH && bytes.length !== 2 * LENGTH)
    throw new Error(`has ${bytes.length} bytes, and an Ed25519 key has 32 or 64`)
  const der = Buffer.concat([PRIVATE, bytes.subarray(0, LENGTH)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const half = bytes.subarray(LENGTH)
  if (half.length > 0 && !half.equals(publicBytes(key)))
    throw new Error('is two halves that do not belong together')
  return { kind: 'v1a', key }
}

function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-LENGTH)
}

/** The text that others check signatures of this key with: `whpk_...`. */
export function publicText({ key }: SigningKey & { readonly kind: 'v1a' }): string {
  return `whpk_${publicBytes(key).toString('base64')}`
}

/** The v1 signature of a body that comes in pieces: `update` it with them, then `v1Text`. */
export function v1Hmac({ id, timestamp }: Signed, secret: Uint8Array): Hmac {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`)
}

/** A v1 signature as it is written, once all of the body is in. */
export function v1Text(hmac: Hmac): string {
  return `v1,${hmac.digest('base64')}`
}

/** The signature of a body that is in memory. */
export function signatureOf(key: SigningKey, signed: Signed, body: Uint8Array): string {
  if (key.kind === 'v1') return v1Text(v1Hmac(signed, key.secret).update(body))
  return `v1a,${signBytes(null, content(signed, body), key.key).toString('base64')}`
}

function content({ id, timestamp }: Signed, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
}

/** What checks. */
export type CheckingKey =
  | { readonly kind: 'v1'; readonly secret: Uint8Array }
  | { readonly kind: 'v1a'; readonly key: KeyObject }

/** A key to check with: `whsec_`, `whpk_`, or no prefix, which is v1. Throws as `signingKey`. */
export function checkingKey(text: string): CheckingKey {
  if (!text.startsWith('whpk_')) {
    const key = signingKey(text)
    return key.kind === 'v1' ? key : { kind: 'v1a', key: createPublicKey(key.key) }
  }
  const bytes = decoded(text.slice('whpk_'.length))
  if (bytes.length !== LENGTH)
    throw new Error(`has ${bytes.length} bytes, and a public Ed25519 key has 32`)
  const der = Buffer.concat([PUBLIC, bytes])
  return { kind: 'v1a', key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/**
 * True if one of the signatures in `webhook-signature` is one of these keys'. In constant time
 * for each; of kinds that nobody knows nothing is said.
 */
export function isSigned(
  keys: readonly CheckingKey[],
  signed: Signed,
  body: Uint8Array,
  signatures: string,
): boolean {
  return signatures.split(' ').some((text) => {
    const comma = text.indexOf(',')
    const [kind, given] = [text.slice(0, comma), text.slice(comma + 1)]
    return keys.some((key) => key.kind === kind && isOf(key, signed, body, given))
  })
}

function isOf(key: CheckingKey, signed: Signed, body: Uint8Array, given: string): boolean {
  const bytes = Buffer.from(given, 'base64')
  if (key.kind === 'v1a') return verifyBytes(null, content(signed, body), key.key, bytes)
  const own = v1Hmac(signed, key.secret).update(body).digest()
  return own.length === bytes.length && timingSafeEqual(own, bytes)
}

/**
 * sign - the Standard Webhooks headers of one attempt: its time, and a signature per secret.
 *
 * The time is fresh at each attempt, the id is the message's. A body that is a stream is read
 * through once to sign it and once more to send it; for v1a, which has to have all of it at once,
 * one such body after the other is in memory.
 */
import type { Readable } from 'node:stream'

import { readSigningKey } from '../config/secret.ts'
import type { SignOptions } from '../config/wire.ts'
import type { Body } from '../message/body.ts'
import { signatureOf, v1Hmac, v1Text } from '../message/signature.ts'
import type { Signed, SigningKey } from '../message/signature.ts'
import type { SecretSource } from './transport.ts'

/** The names of the three headers; `webhook-id` is on every request. */
export const TIMESTAMP = 'webhook-timestamp'
export const SIGNATURE = 'webhook-signature'

/** The two headers that sign a body at `now` (epoch ms). */
export async function signingHeaders(
  body: Body,
  id: string,
  now: number,
  { secrets, kind }: SignOptions,
  source: SecretSource,
  hidden: string[],
): Promise<[string, string][]> {
  const keys = secrets.map((secret) => {
    const held = source(secret)
    hidden.push(held, held.replace(/^wh[a-z]+_/, ''))
    return readSigningKey(secret, held, kind)
  })
  const signed = { id, timestamp: Math.floor(now / 1000) }
  const texts =
    body.kind === 'bytes'
      ? keys.map((key) => signatureOf(key, signed, body.bytes))
      : await signStream(keys, signed, body)
  return [
    [TIMESTAMP, String(signed.timestamp)],
    [SIGNATURE, texts.join(' ')],
  ]
}

type StreamBody = Body & { readonly kind: 'stream' }

async function signStream(
  keys: readonly SigningKey[],
  signed: Signed,
  body: StreamBody,
): Promise<string[]> {
  if (keys.some(({ kind }) => kind === 'v1a')) return alone(() => whole(keys, signed, body))
  const hmacs = keys.map((key) => v1Hmac(signed, (key as V1).secret))
  for await (const chunk of body.open() as Readable)
    for (const hmac of hmacs) hmac.update(chunk as Buffer)
  return hmacs.map(v1Text)
}

type V1 = SigningKey & { readonly kind: 'v1' }

async function whole(
  keys: readonly SigningKey[],
  signed: Signed,
  body: StreamBody,
): Promise<string[]> {
  const bytes = await (body.open() as Readable).toArray()
  const all = Buffer.concat(bytes as Buffer[])
  return keys.map((key) => signatureOf(key, signed, all))
}

/** One after the other: several such bodies at once would fill the memory. */
let before: Promise<unknown> = Promise.resolve()

function alone<T>(act: () => Promise<T>): Promise<T> {
  const turn = before.then(act)
  before = turn.catch(() => {})
  return turn
}

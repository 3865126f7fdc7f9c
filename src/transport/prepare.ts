/**
 * prepare - what must be done before a request can be made: pack the body, sign it.
 *
 * Only for destinations that ask for it (`isPlain` says which do not), so that others pay nothing.
 * Throws as `buildRequest` does, and what the disk says where the body cannot be read.
 */
import type { HttpDestination } from '../config/config.ts'
import { compressed } from './compress.ts'
import type { Prepared } from './request.ts'
import type { SecretSource } from './transport.ts'
import { signingHeaders } from './sign.ts'
import type { Attempt } from './transport.ts'

type HttpAttempt = Attempt<HttpDestination>

/** True where a request can be made at once. */
export function isPlain({ sign, compress, auth }: HttpDestination): boolean {
  return sign === undefined && compress === undefined && auth?.kind !== 'oauth2'
}

/** The attempt with the body that goes out, and what belongs into its head. */
export async function prepare(
  attempt: HttpAttempt,
  now: number,
  source: SecretSource,
  token: string | undefined,
): Promise<{ readonly attempt: HttpAttempt; readonly prepared: Prepared }> {
  const { destination, envelope, body } = attempt
  const { sign, compress, compressAbove } = destination
  const headers: [string, string][] = []
  const secrets: string[] = []
  if (token !== undefined) secrets.push(token)
  if (sign !== undefined)
    headers.push(...(await signingHeaders(body, envelope.id, now, sign, source, secrets)))
  const packed = compress && !isPacked(attempt) && (await compressed(body, compressAbove))
  if (packed) headers.push(['content-encoding', 'gzip'])
  return {
    attempt: packed ? { ...attempt, body: packed } : attempt,
    prepared: {
      headers,
      secrets,
      ...(token === undefined ? {} : { token }),
      ...(packed ? { packed: true } : {}),
    },
  }
}

/** True for a body that goes out under an encoding already, by its sender's word or ours. */
function isPacked({ envelope, destination }: HttpAttempt): boolean {
  const names = [
    ...Object.keys(envelope.headers ?? {}),
    ...Object.keys(destination.headers),
  ]
  return names.some((name) => name.toLowerCase() === 'content-encoding')
}

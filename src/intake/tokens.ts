/**
 * tokens - who a bearer token stands for. Its hash is compared in constant time with every one.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import type { Token } from '../config/tokens.ts'
import { Refusal } from './refusal.ts'
import { WITHOUT_TOKEN } from './caller.ts'
import type { Caller, Door } from './caller.ts'

const BEARER = /^bearer +([\x21-\x7e]+) *$/i

/** The SHA-256 of a token, as its file has it. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * Who asks: the owner of his token, or whoever comes through that door. Throws (401) for a token
 * that nobody knows, also where none is needed, and for none where one is.
 */
export function identify(
  door: Door,
  request: IncomingMessage,
  tokens: readonly Token[],
  needed: boolean,
): Caller {
  const { authorization } = request.headers
  if (authorization === undefined) {
    if (!needed) return { door, scopes: WITHOUT_TOKEN[door] }
    throw unauthorized('token-missing', 'authorization: is missing', 'Bearer')
  }
  const shown = BEARER.exec(authorization)?.[1]
  const token = shown === undefined ? undefined : known(shown, tokens)
  if (token === undefined)
    throw unauthorized(
      'token-unknown',
      shown === undefined ? 'authorization: is no bearer token' : 'token: is not known',
      'Bearer error="invalid_token"',
    )
  const { name, scopes, to } = token
  return { door, token: name, scopes, ...(to === undefined ? {} : { to }) }
}

function known(shown: string, tokens: readonly Token[]): Token | undefined {
  const hash = createHash('sha256').update(shown).digest()
  let found: Token | undefined
  for (const token of tokens)
    if (timingSafeEqual(Buffer.from(token.sha256, 'hex'), hash)) found = token
  return found
}

function unauthorized(
  code: 'token-missing' | 'token-unknown',
  why: string,
  challenge: string,
): Refusal {
  return new Refusal(401, code, why, {
    hint: 'send Authorization: Bearer TOKEN; msgq token add makes one',
    headers: { 'www-authenticate': challenge },
    ends: true,
  })
}

/**
 * oauth2 - how a destination gets its token: OAuth 2.0 client credentials (RFC 6749, 4.4).
 */
import * as v from 'valibot'

import { table } from './options.ts'
import { readSecretRef, SECRET_HINT } from './reference.ts'
import type { Secret } from './reference.ts'
import { text, value, word } from './values.ts'

export interface OAuth2 {
  readonly kind: 'oauth2'
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly scope?: string
  readonly audience?: string
  /** Where client id and secret stand in the request for a token. */
  readonly clientAuth: 'basic' | 'body'
}

const visible = (given: string) =>
  given === '' || /[^\x20-\x7e]/.test(given)
    ? 'is empty or has a character beyond visible ASCII'
    : undefined

function urlDefect(given: string): string | undefined {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'is not a URL'
  return url.username === '' && url.password === ''
    ? undefined
    : 'has a user or password in the URL'
}

/** `auth = { oauth2 = { ... } }`. */
export const oauth2Table = v.pipe(
  table(
    {
      token_url: text(urlDefect, 'write "https://..."'),
      client_id: text(visible),
      client_secret: value(readSecretRef),
      scope: v.optional(text(visible, 'several stand in one text: "read write"')),
      audience: v.optional(text(visible)),
      client_auth: v.optional(word(['basic', 'body'])),
    },
    {
      token_url: 'token_url = "https://..."',
      client_id: 'client_id = "name"',
      client_secret: `client_secret = SECRET: ${SECRET_HINT}`,
    },
    'write { token_url = "https://...", client_id = "name", client_secret = SECRET }',
  ),
  v.transform(
    ({ token_url, client_id, client_secret, client_auth, scope, audience }): OAuth2 => ({
      kind: 'oauth2',
      tokenUrl: token_url,
      clientId: client_id,
      clientSecret: client_secret,
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
      clientAuth: client_auth ?? 'basic',
    }),
  ),
)

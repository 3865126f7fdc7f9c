/**
 * gotify - a notification by a Gotify server.
 *
 * `url` is that of the server; an application there has a token. It knows no limits.
 *
 * `--subject` is the title, `--level` the priority: 4, 6 for a warning, 8 for an error, 10.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { number } from '../values.ts'
import { present, secret } from './preset.ts'
import type { Preset } from './preset.ts'

const PRIORITIES = { info: 4, success: 4, warning: 6, error: 8, critical: 10 } as const

export const gotify: Preset = {
  type: 'gotify',
  options: {
    token: v.optional(secret()),
    priority: v.optional(number(0, 10, 'whole')),
  },
  secrets: ['token'],
  defaults: { too_long: 'cut' },
  reach({ url, token }) {
    const lack = (option: string, hint: string) => ({ option, why: 'is missing', hint })
    if (url === undefined) return lack('url', 'url = "https://gotify.example/message"')
    return token === undefined
      ? lack('token', 'token = { file = "gotify-token" }, of an application')
      : { url, headers: { 'x-gotify-key': token as Secret } }
  },
  limit: { most: 100_000, of: 'characters' },
  tooLong: 'cut',
  message: ({ text, subject, level }, { priority }) =>
    present({
      title: subject || undefined,
      message: text,
      priority: level === undefined ? priority : PRIORITIES[level],
    }),
  on: `[
  { status = [401, 403], then = "suspend", why = "the token is no good" },
  { status = 404, then = "suspend", why = "the url does not end in /message, or there is no Gotify there" },
]`,
}

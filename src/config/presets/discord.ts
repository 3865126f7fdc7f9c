/**
 * discord - a message in a channel of Discord, by a webhook.
 *
 * The URL is a secret. 204 is yes. It says in `X-RateLimit-*` when it has had enough, and in
 * `retry_after`, in seconds with a fraction. Ten thousand 401, 403 and 429 in ten minutes shut a whole
 * address out, so that with a webhook that is gone nothing more is sent.
 *
 * `--subject` is a bold first line, `--level` a sign before it. The text may be Markdown; it calls nobody.
 */
import * as v from 'valibot'

import { line, present, titled } from './preset.ts'
import type { Preset } from './preset.ts'

export const discord: Preset = {
  type: 'discord',
  options: { username: v.optional(line('the name that the message comes from')) },
  secrets: [],
  defaults: { lane: { rate: '30/m burst 5', window: 2 }, too_long: 'cut' },
  reach: ({ url }) =>
    url === undefined
      ? {
          option: 'url',
          why: 'is missing',
          hint: 'url = { file = "discord-url" }, of a webhook of the channel',
        }
      : { url },
  limit: { most: 2_000, of: 'characters' },
  tooLong: 'cut',
  message: (said, { username }) =>
    present({
      username,
      content: titled(said, (it) => `**${it}**`),
      allowed_mentions: { parse: [] },
    }),
  on: `[
  { status = 429, then = "defer", after = { json = "retry_after" } },
  { status = [401, 403, 404], then = "suspend", why = "the webhook is gone" },
]`,
}

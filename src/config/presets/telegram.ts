/**
 * telegram - a message of a bot to a chat of Telegram.
 *
 * The token is part of the URL. 200 comes with `ok`; a limit says in `parameters.retry_after` how
 * many seconds it lasts, and not in a header. A group that became a supergroup has another id.
 *
 * `--subject` is the first line, `--level` a sign before it. The text is text, without any markup.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { line, present, secret, titled } from './preset.ts'
import type { Preset } from './preset.ts'

export const telegram: Preset = {
  type: 'telegram',
  options: {
    token: v.optional(secret()),
    chat_id: v.optional(line('write chat_id = "-1001234567890" or "@channel"')),
  },
  secrets: ['token'],
  defaults: { lane: { rate: '20/m burst 5', window: 1 }, too_long: 'cut' },
  reach({ url, token, chat_id: chat }) {
    const lack = (option: string, hint: string) => ({ option, why: 'is missing', hint })
    if (token === undefined && url === undefined)
      return lack('token', 'token = { file = "telegram-token" }, from @BotFather')
    if (chat === undefined) return lack('chat_id', 'write chat_id = "-1001234567890"')
    const within = 'https://api.telegram.org/bot{}/sendMessage'
    return { url: url ?? { within, secret: token as Secret } }
  },
  limit: { most: 4_096, of: 'characters' },
  tooLong: 'cut',
  message: (said, { chat_id }) => present({ chat_id, text: titled(said) }),
  on: `[
  { json = { ok = true }, then = "deliver" },
  { status = 429, then = "defer", after = { json = "parameters.retry_after" } },
  { json = { parameters.migrate_to_chat_id = { exists = true } }, then = "suspend", why = "the group has another chat_id now" },
  { status = 400, body = "chat not found", then = "suspend", why = "there is no such chat, or the bot is not in it" },
  { status = [401, 404], then = "suspend", why = "the token is no good" },
  { status = 403, then = "suspend", why = "the bot was blocked, or thrown out" },
  { status = "2xx", json = { ok = false }, then = "defer" },
]`,
}

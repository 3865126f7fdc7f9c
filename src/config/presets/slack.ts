/**
 * slack - a message in a channel of Slack, by an incoming webhook or by chat.postMessage.
 *
 * A webhook is a URL that is a secret, and speaks to one channel; it answers `ok`, or an error as
 * text with a status. With a token the Web API is asked, which answers 200 to everything and says
 * in `ok` whether it did what it was asked. Either takes about one message a second.
 *
 * `--subject` is a bold first line, `--level` a sign before it. `&`, `<` and `>` in a text are text: no
 * message calls a whole channel by accident.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { line, present, secret, titled } from './preset.ts'
import type { Preset } from './preset.ts'

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const slack: Preset = {
  type: 'slack',
  options: {
    token: v.optional(secret()),
    channel: v.optional(line('write channel = "#ops" or its id')),
  },
  secrets: ['token'],
  defaults: { lane: { rate: '1/s burst 3', window: 2 }, too_long: 'cut' },
  reach({ url, token, channel }) {
    if (token === undefined) {
      if (channel !== undefined)
        return {
          option: 'channel',
          why: 'goes with a token: a webhook has its own channel',
          hint: 'leave it out, or write token = { file = "name" } for url',
        }
      return url === undefined
        ? {
            option: 'url',
            why: 'is missing',
            hint: 'url = { file = "name" } of an incoming webhook, or token and channel',
          }
        : { url }
    }
    if (channel === undefined)
      return { option: 'channel', why: 'is missing', hint: 'write channel = "#ops"' }
    return {
      url: url ?? 'https://slack.com/api/chat.postMessage',
      auth: { kind: 'bearer', token: token as Secret },
    }
  },
  limit: { most: 40_000, of: 'characters' },
  tooLong: 'cut',
  escape,
  message(said, { channel }) {
    const text = titled({ ...said, text: escape(said.text) }, (it) => `*${escape(it)}*`)
    return present({ channel, text })
  },
  on: `[
  # The Web API.
  { json = { ok = true }, then = "deliver" },
  { json = { ok = false, error = ["ratelimited", "rate_limited", "message_limit_exceeded"] }, then = "defer", after = "30s", lane = true },
  { json = { ok = false, error = ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "no_permission", "access_denied", "not_allowed_token_type", "ekm_access_denied", "org_login_required", "team_access_not_granted"] }, then = "suspend", why = "the token is not good for this" },
  { json = { ok = false, error = ["channel_not_found", "not_in_channel", "is_archived", "restricted_action"] }, then = "suspend", fault = "configuration", why = "nothing can be written to the channel" },
  { json = { ok = false, error = ["msg_too_long", "no_text", "invalid_arguments", "invalid_blocks", "invalid_blocks_format", "invalid_json", "json_not_object", "too_many_attachments", "metadata_too_large"] }, then = "bounce", fault = "message" },
  # internal_error, fatal_error, service_unavailable, request_timeout, and what is new.
  { json = { ok = false }, then = "defer" },
  { status = "2xx", header = { content-type = { contains = "json" } }, then = "defer", why = "it does not say whether it took it" },
  # Webhooks: 400 is about the message; these are about the webhook.
  { status = [403, 404, 410], then = "suspend", why = "the webhook is revoked, or its channel is gone" },
]`,
}

/**
 * whatsapp - a WhatsApp message, by 360dialog or by Meta's Cloud API.
 *
 * 360dialog wants its key in `D360-API-KEY`; Meta wants a token and the id of the number that sends.
 * Text arrives only while the receiver wrote within the last 24 hours; outside of that a template
 * does. 200 says that the message was taken, not that it arrived. There is no key by which either would drop
 * a repeat: what was sent and not answered may arrive twice.
 *
 * Both lie with statuses: 400 for a limit of 360dialog's, 555 for its restart. Meta's answers mean what
 * `error.code` says. `to` is the number; a message of `--json` has its own. A destination with `to` keeps
 * to what Meta takes for one number; one without, for many, has an order by the number (docs).
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { value, word } from '../values.ts'
import type { Reading } from '../values.ts'
import { line, present, secret, titled } from './preset.ts'
import type { Preset, Said } from './preset.ts'

const META = 'https://graph.facebook.com/v23.0'
const PARTS = ['text', 'subject', 'level', 'id'] as const
type Part = (typeof PARTS)[number]

function readParts(given: unknown): Reading<readonly Part[]> {
  const list = Array.isArray(given) ? (given as readonly unknown[]) : [undefined]
  const isPart = (each: unknown): each is Part => PARTS.includes(each as Part)
  return list.every(isPart)
    ? { value: list }
    : { why: 'is not a list of parts', hint: `of ${PARTS.join(', ')}: ["subject", "text"]` }
}

export const whatsapp: Preset = {
  type: 'whatsapp',
  options: {
    provider: v.optional(word(['360dialog', 'meta'])),
    key: v.optional(secret()),
    token: v.optional(secret()),
    phone_id: v.optional(line('the id of the number that sends: phone_id = "1067…"')),
    to: v.optional(line('a number with its country: to = "491701234567"')),
    template: v.optional(line('the name of a template that was approved')),
    language: v.optional(line('the language of the template: "en", "de"')),
    parameters: v.optional(value(readParts)),
  },
  secrets: ['key', 'token'],
  defaults: {
    provider: '360dialog',
    language: 'en',
    parameters: ['text'],
    lane: { rate: '20/s', window: 10 },
    too_long: 'bounce',
  },
  // To one number one message in six seconds, and some on credit (131056).
  further: ({ to }) =>
    to === undefined ? {} : { lane: { rate: '10/m burst 20', window: 10 } },
  reach({ url, provider = '360dialog', key, token, phone_id: phone }) {
    const lack = (option: string, hint: string) => ({ option, why: 'is missing', hint })
    if (provider === '360dialog')
      return key === undefined
        ? lack('key', 'key = { file = "d360-key" }, or provider = "meta" with token')
        : {
            url: url ?? 'https://waba-v2.360dialog.io/messages',
            headers: { 'd360-api-key': key as Secret },
          }
    if (token === undefined) return lack('token', 'token = { file = "whatsapp-token" }')
    if (url === undefined && phone === undefined)
      return lack('phone_id', 'the id of the number that sends: phone_id = "1067…"')
    return {
      url: url ?? `${META}/${encodeURIComponent(phone as string)}/messages`,
      auth: { kind: 'bearer', token: token as Secret },
    }
  },
  limit: { most: 4_096, of: 'characters' },
  tooLong: 'bounce',
  message(said, { to, template, language = 'en', parameters = ['text'] }) {
    if (to === undefined)
      return 'a text needs to = "NUMBER" in the destination; --json says it itself'
    const head = { messaging_product: 'whatsapp', recipient_type: 'individual', to }
    if (template === undefined)
      return { ...head, type: 'text', text: { body: titled(said, (it) => `*${it}*`) } }
    const parts = (parameters as readonly Part[]).map((part) => ({
      type: 'text',
      text: partOf(said, part),
    }))
    return {
      ...head,
      type: 'template',
      template: present({
        name: template,
        language: { code: language },
        components: parts.length === 0 ? undefined : [{ type: 'body', parameters: parts }],
      }),
    }
  },
  on: `[
  # Limits. 360dialog says them with 400.
  { status = "4xx", body = ["exceeded the endpoint rate limit", "exceeded the limit of"], then = "defer", after = "10s", lane = true, why = "360dialog's rate limit" },
  { json = { error.code = 130429 }, then = "defer", after = "5s", lane = true, why = "Meta's throughput" },
  { json = { error.code = [4, 80007] }, then = "defer", after = "5m", lane = true, why = "Meta's limit of calls" },
  { json = { error.code = 131056 }, then = "defer", after = "6s", fault = "message", why = "too many to this one number" },
  { json = { error.code = 131049 }, then = "defer", after = "1d", fault = "message", why = "Meta's limit of marketing for this number" },
  # For now.
  { json = { error.code = [1, 2, 131000, 131016, 133004] }, then = "defer" },
  # For good: this message to this number.
  { json = { error.code = 131026 }, then = "bounce", fault = "message", why = "the number cannot be reached on WhatsApp" },
  { json = { error.code = 131047 }, then = "bounce", fault = "message", why = "its last message is older than 24 hours; a template is needed" },
  { json = { error.code = [131050, 130472] }, then = "bounce", fault = "message", why = "the receiver wants no such messages" },
  { json = { error.code = [33, 100, 131008, 131009, 131051] }, then = "bounce", fault = "message" },
  { json = { error.code = { matches = "^1320\\\\d\\\\d$" } }, then = "bounce", fault = "message", why = "the template" },
  # No message would go.
  { json = { error.code = 131048 }, then = "suspend", why = "Meta's spam limit: see the quality of the number" },
  { json = { error.code = [131031, 368, 131042] }, then = "suspend", why = "the account is locked, or not paid" },
  { json = { error.code = { matches = "^(0|10|190|2\\\\d\\\\d|131005)$" } }, then = "suspend", why = "the token is not good for this" },
  { status = "4xx", body = ["has been disabled", "lack of payment", "overdue"], then = "suspend", why = "the account" },
  { status = [401, 403], then = "suspend", why = "the key is not good for this" },
  # 500, 502, 503, and 555 while 360dialog restarts, are deferred as everywhere.
]`,
}

/** A parameter of a template has no line breaks, no tabs, and no long gaps, and is not empty. */
function partOf(said: Said, part: Part): string {
  return (said[part] ?? '').replace(/\s+/g, ' ').trim() || '-'
}

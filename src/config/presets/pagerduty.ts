/**
 * pagerduty - an alert by PagerDuty's Events API v2.
 *
 * 202 is yes. `dedup_key` is the message's id, so that a repeat changes nothing. 400 is never; 429
 * wants some time.
 *
 * `--subject`, or else the first line, is the summary; `--level` the severity, of which there is no
 * "success": that is "info". To resolve an alert send its own JSON with `--json`.
 */
import * as v from 'valibot'

import { word } from '../values.ts'
import { headOf, line, present, secret } from './preset.ts'
import type { Preset } from './preset.ts'

const SEVERITIES = ['critical', 'error', 'warning', 'info'] as const
const SUMMARY = 1_024

export const pagerduty: Preset = {
  type: 'pagerduty',
  options: {
    routing_key: v.optional(secret()),
    source: v.optional(line('what the alert is about: source = "web1"')),
    severity: v.optional(word(SEVERITIES)),
  },
  secrets: ['routing_key'],
  bodySecrets: ['routing_key'],
  defaults: {
    url: 'https://events.pagerduty.com/v2/enqueue',
    severity: 'error',
    lane: { rate: '2/s burst 10', window: 5 },
    too_long: 'cut',
  },
  reach: ({ url, routing_key: key }) =>
    key === undefined
      ? {
          option: 'routing_key',
          why: 'is missing',
          hint: 'routing_key = { file = "pagerduty-key" }, of an integration "Events API v2"',
        }
      : { url: url ?? 'https://events.pagerduty.com/v2/enqueue' },
  limit: { most: 400_000, of: 'bytes of JSON' },
  tooLong: 'cut',
  message(said, { routing_key, source, severity = 'error' }) {
    const { text, subject, level, id, createdAt, host } = said
    const first = /\S.*/.exec(text)?.[0] ?? 'msgq'
    const summary = headOf(subject || first, SUMMARY)
    return {
      routing_key,
      event_action: 'trigger',
      dedup_key: id,
      payload: present({
        summary,
        severity: level === undefined ? severity : level === 'success' ? 'info' : level,
        source: source ?? host ?? 'msgq',
        timestamp: createdAt,
        custom_details: text === summary || text === '' ? undefined : { text },
      }),
    }
  },
  on: `[
  { status = 429, then = "defer", after = "30s" },
  { status = 400, body = ["invalid routing key", "routing_key"], then = "suspend", why = "the routing_key is no good" },
  { status = [401, 403], then = "suspend", why = "the routing_key is no good" },
]`,
}

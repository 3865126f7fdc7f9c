/**
 * splunk-hec - an event for Splunk's HTTP Event Collector.
 *
 * `url` ends in /services/collector/event. 200 comes with `code` 0; 503 with `code` 9 says that it is
 * busy. The text is the event as it is; `--subject` and `--level` are fields.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { line, present, secret } from './preset.ts'
import type { Preset } from './preset.ts'

export const splunkHec: Preset = {
  type: 'splunk-hec',
  options: {
    token: v.optional(secret()),
    index: v.optional(line('write index = "main"')),
    source: v.optional(line('write source = "backup"')),
    sourcetype: v.optional(line('write sourcetype = "msgq"')),
  },
  secrets: ['token'],
  defaults: { too_long: 'cut' },
  reach({ url, token }) {
    const lack = (option: string, hint: string) => ({ option, why: 'is missing', hint })
    if (url === undefined)
      return lack('url', 'url = "https://splunk.example:8088/services/collector/event"')
    if (token === undefined) return lack('token', 'token = { file = "hec-token" }')
    const authorization = { within: 'Splunk {}', secret: token as Secret }
    return { url, headers: { authorization } }
  },
  limit: { most: 900_000, of: 'bytes of JSON' },
  tooLong: 'cut',
  message: ({ text, subject, level, id, createdAt, host }, { index, source, sourcetype }) =>
    present({
      time: Date.parse(createdAt) / 1_000,
      host,
      source,
      sourcetype,
      index,
      event: text,
      fields: present({ subject, level, msgq_id: id }),
    }),
  on: `[
  { status = [401, 403], then = "suspend", why = "the token is no good, or switched off" },
  { status = 400, json = { code = [7, 10] }, then = "suspend", why = "the index or the channel is not open to this token" },
  # 500 and 503, with code 8 or 9: busy.
]`,
}

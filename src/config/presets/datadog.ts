/**
 * datadog - a log line for Datadog's log intake, or an event for its event stream.
 *
 * `site` is that of the account. 202 is yes. The text is the line as it is.
 *
 * `--subject` is the event's title, of a log its attribute `subject`; `--level` its status.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { word } from '../values.ts'
import { headOf, line, present, secret } from './preset.ts'
import type { Preset, Said } from './preset.ts'

const TYPES = {
  info: 'info',
  success: 'success',
  warning: 'warning',
  error: 'error',
  critical: 'error',
} as const
/** An event takes so much. */
const TITLE = 100
const TEXT = 4_000

export const datadog: Preset = {
  type: 'datadog',
  options: {
    key: v.optional(secret()),
    site: v.optional(line('write site = "datadoghq.eu"')),
    kind: v.optional(word(['log', 'event'])),
    service: v.optional(line('the name of what speaks: service = "backup"')),
    tags: v.optional(line('write tags = "env:prod,team:ops"')),
  },
  secrets: ['key'],
  defaults: { site: 'datadoghq.com', kind: 'log', too_long: 'cut' },
  reach({ url, key, site = 'datadoghq.com', kind = 'log' }) {
    if (key === undefined)
      return { option: 'key', why: 'is missing', hint: 'key = { file = "datadog-key" }' }
    const events = `https://api.${String(site)}/api/v1/events`
    const logs = `https://http-intake.logs.${String(site)}/api/v2/logs`
    return {
      url: url ?? (kind === 'event' ? events : logs),
      headers: { 'dd-api-key': key as Secret },
    }
  },
  limit: ({ kind }) =>
    kind === 'event'
      ? { most: TEXT, of: 'characters' }
      : { most: 900_000, of: 'bytes of JSON' },
  tooLong: 'cut',
  message(said, { kind, service, tags }) {
    const { text, subject, level, id, host } = said
    if (kind === 'event') return eventOf(said, tags)
    return [
      present({
        message: text,
        subject,
        status: level === 'success' ? 'ok' : level,
        ddsource: 'msgq',
        service,
        hostname: host,
        ddtags: tags,
        'msgq.id': id,
      }),
    ]
  },
  on: `[
  { status = [401, 403], then = "suspend", why = "the key is no good on this site" },
]`,
}

function eventOf({ text, subject, level, id, host }: Said, tags: unknown): object {
  const [first = 'msgq'] = /\S.*/.exec(text) ?? []
  return present({
    title: headOf(subject || first, TITLE),
    text,
    alert_type: level === undefined ? undefined : TYPES[level],
    tags: typeof tags === 'string' ? tags.split(',') : undefined,
    host,
    aggregation_key: id,
    source_type_name: 'msgq',
  })
}

/**
 * ntfy - a notification by ntfy.sh, or by a server of one's own.
 *
 * A topic is its name; on the public server whoever knows it reads it. It takes sixty requests at
 * once and then one in five seconds; what is longer than 4096 bytes would become a file.
 *
 * `--subject` is the title, `--level` the priority and a tag.
 */
import * as v from 'valibot'

import type { Secret } from '../reference.ts'
import { number } from '../values.ts'
import { line, present, secret } from './preset.ts'
import type { Preset } from './preset.ts'

const PRIORITIES = { info: 3, success: 3, warning: 4, error: 4, critical: 5 } as const
const TAGS = {
  info: 'information_source',
  success: 'white_check_mark',
  warning: 'warning',
  error: 'x',
  critical: 'rotating_light',
} as const

export const ntfy: Preset = {
  type: 'ntfy',
  options: {
    topic: v.optional(line('write topic = "ops-4f1c"')),
    token: v.optional(secret()),
    priority: v.optional(number(1, 5, 'whole')),
  },
  secrets: ['token'],
  defaults: {
    url: 'https://ntfy.sh/',
    lane: { rate: '12/m burst 30', window: 2 },
    too_long: 'cut',
  },
  reach({ url = 'https://ntfy.sh/', topic, token }) {
    if (topic === undefined)
      return { option: 'topic', why: 'is missing', hint: 'write topic = "ops-4f1c"' }
    // There its JSON would be the text.
    if (typeof url === 'string' && URL.canParse(url) && new URL(url).pathname !== '/')
      return {
        option: 'url',
        why: 'has a path: it is that of the server',
        hint: `write url = "${new URL(url).origin}", and topic for the rest`,
      }
    return token === undefined
      ? { url }
      : { url, auth: { kind: 'bearer', token: token as Secret } }
  },
  limit: { most: 4_096, of: 'bytes' },
  tooLong: 'cut',
  message: ({ text, subject, level }, { topic, priority }) =>
    present({
      topic,
      message: text,
      title: subject || undefined,
      priority: level === undefined ? priority : PRIORITIES[level],
      tags: level === undefined ? undefined : [TAGS[level]],
    }),
  on: `[
  { status = 429, json = { code = 42908 }, then = "defer", after = "1h", why = "the day's quota is used up" },
  { status = 429, json = { code = 42909 }, then = "suspend", why = "too many tries with a token that is no good" },
  { status = 429, then = "defer", after = "5s" },
  { status = [401, 403], then = "suspend", why = "the topic is not open to this token" },
  # 507: no space left for the message, for now.
]`,
}

/**
 * teams - an adaptive card in a channel or chat of Microsoft Teams, by a workflow's webhook.
 *
 * The workflow "Send webhook alerts to a channel" gives a URL that is a secret. 202 says that the
 * workflow began. It takes about four requests a second, and 28 KB each. The connectors of before
 * answered 200 with an error in the text.
 *
 * `--subject` is the card's title, `--level` its sign and colour.
 */
import { titleOf } from './preset.ts'
import type { Preset } from './preset.ts'

const COLOURS = {
  info: 'accent',
  success: 'good',
  warning: 'warning',
  error: 'attention',
  critical: 'attention',
} as const

/** A single line break is none in Markdown. */
const escape = (text: string) => text.replaceAll('\n', '\n\n')

export const teams: Preset = {
  type: 'teams',
  options: {},
  secrets: [],
  defaults: { lane: { rate: '2/s burst 4', window: 4 }, too_long: 'cut' },
  reach: ({ url }) =>
    url === undefined
      ? {
          option: 'url',
          why: 'is missing',
          hint: 'url = { file = "teams-url" }, of a workflow that waits for a webhook',
        }
      : { url },
  limit: { most: 20_000, of: 'bytes of JSON' },
  tooLong: 'cut',
  escape,
  message(said) {
    const title = titleOf(said)
    const colour = said.level === undefined ? {} : { color: COLOURS[said.level] }
    const block = { type: 'TextBlock', wrap: true }
    const head = { ...block, text: title, weight: 'bolder', size: 'medium', ...colour }
    return {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [...(title === '' ? [] : [head]), { ...block, text: escape(said.text) }],
          },
        },
      ],
    }
  },
  on: `[
  { status = "2xx", body = { matches = "(?i)HTTP error 429|error:? ?429" }, then = "defer", after = "10s", lane = true, why = "200 with its rate limit in the text" },
  { status = "2xx", body = "returned HTTP error", then = "defer", why = "200 with an error in the text" },
  { status = 429, then = "defer", after = "5s" },
  { status = [401, 403, 404, 410], then = "suspend", why = "the workflow is gone, or its URL is not good any more" },
]`,
}

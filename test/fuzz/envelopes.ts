/**
 * envelopes - drafts, envelopes and trails: what was written reads back, anything else is
 * refused in one printable line.
 */
import fc from 'fast-check'

import { MsgqError } from '../../src/base/errors.ts'
import { DRAFT_FIELDS, LEVELS, checkDraft } from '../../src/message/draft.ts'
import type { Draft } from '../../src/message/draft.ts'
import { parseEnvelope, seal } from '../../src/message/envelope.ts'
import { formatTrailLine, parseTrail } from '../../src/message/trail.ts'
import type { TrailLine } from '../../src/message/trail.ts'
import { law, orRefusal } from './law.ts'

const accepted = {
  id: '01JD3Z8K6Q4W5E6R7T8Y9V0A1P',
  now: Date.parse('2026-11-20T10:15:00.123Z'),
  sender: { uid: 1000, user: 'ann', host: 'box' },
}

const AT = '2026-11-20T10:15:00.123Z'
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((value) => !/\p{Cc}/u.test(value))
const latin = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
const time = fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString())
const headerName = fc
  .string({ unit: fc.constantFrom(...'abcXYZ-_0'), minLength: 2 })
  .filter((name) => !/^te$/i.test(name))

const place = fc.oneof(
  fc.constantFrom('crm', 'ops-slack').map((to) => ({ to })),
  fc.webUrl({ withQueryParameters: true }).map((to) => ({ to })),
  text.map((event) => ({ event })),
)
const extras = fc.record(
  {
    method: fc.constantFrom('POST', 'GET', 'PUT'),
    headers: fc.dictionary(headerName, latin, { maxKeys: 4 }),
    contentType: latin,
    subject: text,
    level: fc.constantFrom(...LEVELS),
    key: latin,
    order: text,
    notBefore: time,
    expiresAt: time,
    hold: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** A draft that nobody refuses. */
export const someDraft: fc.Arbitrary<Draft> = fc
  .tuple(place, extras)
  .map((parts) => Object.assign({}, ...parts) as Draft)

const wild = fc.string({ unit: 'binary', maxLength: 60 })

/** Lines as a daemon and operators write them. */
export const aTrail: fc.Arbitrary<TrailLine[]> = fc.array(
  fc.oneof(
    fc.record(
      {
        at: time,
        try: fc.nat(),
        outcome: fc.constantFrom('deferred', 'bounced', 'held', 'delivered'),
        reason: wild,
        answer: wild,
        status: fc.nat(),
        ms: fc.nat(),
      },
      { requiredKeys: ['at', 'try', 'outcome', 'reason'], noNullPrototype: true },
    ),
    fc.record(
      {
        at: time,
        act: fc.constantFrom('held', 'released', 'interrupted', 'expired'),
        by: wild,
        reason: wild,
      },
      { requiredKeys: ['at', 'act'], noNullPrototype: true },
    ),
  ),
  { maxLength: 6 },
) as fc.Arbitrary<TrailLine[]>

const anyMember = fc.oneof(fc.anything(), wild)
const anyDraft = fc.record(
  Object.fromEntries(
    DRAFT_FIELDS.map((field) => [
      field,
      field === 'to' ? fc.oneof(fc.constant('crm'), anyMember) : anyMember,
    ]),
  ),
  { requiredKeys: [] },
)

const spoiled = fc
  .tuple(
    someDraft,
    fc.constantFrom(...DRAFT_FIELDS, 'v', 'id', 'sender', 'bytes', 'sha256', '__proto__'),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom({ toString: 1, valueOf: 1 }, ['0'.repeat(64)], [[['2026']]], {
        uid: {},
      }),
    ),
  )
  .map(([draft, member, value]) => {
    const raw = { ...seal(draft, Buffer.from('body'), accepted) }
    Object.defineProperty(raw, member, { value, enumerable: true })
    return JSON.stringify(raw)
  })

const LINES = fc.array(fc.oneof(wild, fc.json()), { maxLength: 8 })

/** Refused in one short line that a terminal can show. */
function saysWhy(error: MsgqError): boolean {
  const { message } = error
  return message.length < 300 && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(message)
}

async function readsOrSaysWhy(written: string): Promise<boolean> {
  const read = await orRefusal(() => parseEnvelope(written))
  if (read instanceof MsgqError) return saysWhy(read)
  return JSON.stringify(read) === JSON.stringify(JSON.parse(written))
}

export const envelopeLaws = [
  law(
    'envelope: what was sealed reads back the same, on one line',
    6,
    fc.tuple(someDraft, fc.uint8Array({ maxLength: 40 })),
    ([draft, body]) => {
      const written = JSON.stringify(seal(draft, body, accepted))
      return !/[\r\n]/.test(written) && JSON.stringify(parseEnvelope(written)) === written
    },
  ),
  law(
    'envelope: any line is read or refused',
    4,
    fc.oneof(wild, fc.json()),
    readsOrSaysWhy,
  ),
  law('envelope: with one member spoiled, read or refused', 8, spoiled, readsOrSaysWhy),
  law('draft: anything is taken or refused in one line', 8, anyDraft, async (draft) => {
    const said = await orRefusal(() => checkDraft(draft as Draft))
    return !(said instanceof MsgqError) || saysWhy(said)
  }),
  law(
    'draft: no header splits the request',
    4,
    fc.tuple(fc.oneof(headerName, wild), wild),
    async ([name, value]) => {
      const draft = { to: 'crm', headers: Object.fromEntries([[name, value]]) }
      const taken = !((await orRefusal(() => checkDraft(draft))) instanceof MsgqError)
      return !taken || !/[\r\n\0]|[^\0-\u00ff]/.test(`${name}${value}`)
    },
  ),
  law('trail: what was written reads back the same', 5, aTrail, (story) => {
    const written = story.map(formatTrailLine).join('')
    return parseTrail(written).map(formatTrailLine).join('') === written
  }),
  law(
    'trail: a torn line is skipped, and no other with it',
    3,
    fc.tuple(aTrail, fc.nat()),
    ([story, at]) => {
      const last = formatTrailLine({ at: AT, try: 1, outcome: 'deferred', reason: 'no' })
      const torn = last.slice(0, at % (last.length - 1))
      const after = formatTrailLine({ at: AT, act: 'interrupted' })
      const whole = story.map(formatTrailLine).join('')
      return parseTrail(`${whole}${torn}\n${after}`).length === story.length + 1
    },
  ),
  law('trail: any text is read, and only whole lines come out', 4, LINES, (rows) =>
    parseTrail(rows.join('\n')).every((line) => !Number.isNaN(Date.parse(line.at))),
  ),
]

/**
 * names - file names, ids and lanes: one message has one name, one host has one lane.
 */
import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'

import { MsgqError } from '../../src/base/errors.ts'
import { checkDraft } from '../../src/message/draft.ts'
import { idMaker, idTime, isId, isIdEnding, shortId } from '../../src/message/id.ts'
import {
  isDestinationName,
  isLane,
  isUrlLane,
  laneOf,
  looksLikeUrl,
} from '../../src/message/lane.ts'
import { formatName, laterName, parseName } from '../../src/queue/spool/name.ts'
import type { Name } from '../../src/queue/spool/name.ts'
import { damaged } from './damage.ts'
import { law, orRefusal } from './law.ts'

const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** A well-formed id. */
export const anId = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)

const someName: fc.Arbitrary<Name> = fc.record(
  {
    due: fc.integer({ min: 0, max: LATEST }),
    tries: fc.integer({ min: 0, max: 999_999_999 }),
    id: anId,
    lane: fc.oneof(
      fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
      fc.stringMatching(/^=[a-z0-9._-]{1,64}$/),
      fc.constantFrom('_event', '_adopt'),
    ),
    chain: fc.stringMatching(/^[0-9a-f]{8}$/),
    claim: fc.stringMatching(/^[0-9a-z]{1,24}$/),
  },
  { requiredKeys: ['due', 'tries', 'id', 'lane'], noNullPrototype: true },
)
const anyText = fc.string({ unit: 'binary', maxLength: 80 })
const written = someName.map(formatName)
/** A name with one character in the place of another that could stand there. */
const almost = fc
  .tuple(written, fc.nat(120), fc.constantFrom(...'09,@~#.A '))
  .map(([good, at, char]) => good.slice(0, at) + char + good.slice(at + 1))

const port = fc.integer({ min: 0, max: 65_535 })
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  fc.constantFrom(
    'localhost',
    'bücher.example',
    `${'a.'.repeat(120)}example`,
    'x_y',
    '--1',
  ),
)
const url = fc
  .tuple(fc.constantFrom('https', 'http'), host, fc.option(port))
  .map(([scheme, name, at]) => `${scheme}://${name}${at === null ? '' : `:${at}`}/in`)
  .filter((text) => URL.canParse(text))

function origin(to: string): string {
  const { hostname, port: given, protocol } = new URL(to)
  return `${hostname} ${given || (protocol === 'https:' ? '443' : '80')}`
}

const anyTo = fc.oneof(
  anyText,
  damaged(url),
  fc.tuple(fc.constantFrom('http:', 'https://', 'HTTP://', 'http:\\'), anyText).map(join),
)

function join(parts: readonly string[]): string {
  return parts.join('')
}

export const nameLaws = [
  law('name: reads as it was written', 6, someName, (name) =>
    isDeepStrictEqual(parseName(formatName(name)), name),
  ),
  law(
    'name: what reads as one is written just so',
    10,
    fc.oneof(anyText, written, almost, almost, damaged(written)),
    (text) => {
      const name = parseName(text)
      return name === undefined || (formatName(name) === text && isLane(name.lane))
    },
  ),
  law(
    'name: sorts by due, also the later one of two',
    4,
    fc.tuple(someName, someName, fc.integer({ min: 1, max: 1_000 })),
    ([a, b, ms]) => {
      const later = parseName(laterName(formatName(a), ms))
      const moved = later !== undefined && Math.abs(later.due - a.due) === ms
      return moved && (a.due >= b.due || formatName(a) < formatName(b))
    },
  ),
  law(
    'id: ids increase whatever the clock does, and tell the time',
    2,
    fc.tuple(
      fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 })),
      fc.infiniteStream(fc.nat(255)),
    ),
    ([clock, dice]) => {
      const left = [...clock]
      const next = idMaker(
        () => left.shift() as number,
        (bytes) => bytes.map(() => dice.next().value as number),
      )
      const ids = clock.map(() => next())
      const rise = ids.every(
        (id, n) => isId(id) && (n === 0 || (ids[n - 1] as string) < id),
      )
      return rise && (ids[0] === undefined || idTime(ids[0]) === clock[0])
    },
  ),
  law(
    'id: every ending of six or more names it, and no other text',
    3,
    fc.tuple(anId, fc.integer({ min: 6, max: 26 }), fc.oneof(anyText, damaged(anId))),
    ([id, length, text]) => {
      const named = isIdEnding(id.slice(-length).toLowerCase()) && isIdEnding(shortId(id))
      return named && (!isId(text) || isIdEnding(text))
    },
  ),
  law('lane: of a URL it is well-formed and no destination', 5, url, (to) => {
    const lane = laneOf(to)
    return isLane(lane) && isUrlLane(lane) && !isDestinationName(lane)
  }),
  law('lane: two hosts or ports never share one', 6, fc.tuple(url, url), ([one, two]) => {
    return (origin(one) === origin(two)) === (laneOf(one) === laneOf(two))
  }),
  law('lane: whatever a draft may say in `to` has one', 5, anyTo, async (to) => {
    if ((await orRefusal(() => checkDraft({ to }))) instanceof MsgqError) return true
    const lane = laneOf(to)
    return isLane(lane) && isUrlLane(lane) === looksLikeUrl(to)
  }),
]

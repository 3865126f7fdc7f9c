/**
 * inputs - what people and scripts hand to the command line: lines of a batch, words and
 * options that select messages.
 */
import { Readable } from 'node:stream'

import { Command, CommanderError } from 'commander'
import fc from 'fast-check'

import { MsgqError } from '../../src/base/errors.ts'
import { composeLine } from '../../src/intake/batch-line.ts'
import type { Io } from '../../src/cli/command.ts'
import { readIds } from '../../src/cli/ids.ts'
import { memberText } from '../../src/intake/json-member.ts'
import { addSelectorOptions, selectorOf } from '../../src/cli/selection.ts'
import type { SelectorOptions } from '../../src/cli/selection.ts'
import { parseEnvelope, seal } from '../../src/message/envelope.ts'
import { isId, isIdEnding } from '../../src/message/id.ts'
import { isLane } from '../../src/message/lane.ts'
import type { Entry } from '../../src/message/selector.ts'
import { STATES, isState } from '../../src/message/state.ts'
import type { Desk } from '../../src/queue/queue.ts'
import { damage, damaged } from './damage.ts'
import { law, orRefusal } from './law.ts'
import { anId } from './names.ts'

const NOW = Date.parse('2026-11-20T10:15:00.123Z')
const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const accepted = { id: ID, now: NOW, sender: { uid: 1000 } }
const terms = { messageSizeLimit: 10_000, minFree: 0 }
const destinations = new Map([['crm', { method: 'POST', contentType: 'text/plain' }]])

const wild = fc.string({ unit: 'binary', maxLength: 40 })
const MEMBERS =
  'to body bodyBase64 method headers contentType subject level hold delay at expires'
const member = fc.constantFrom(...`${MEMBERS} event key order bdoy __proto__`.split(' '))
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  wild,
  fc.constantFrom(
    'crm',
    'https://h.example/x',
    'POST',
    'GET',
    '10s',
    '09:00',
    'AAAA',
    true,
  ),
  fc.dictionary(
    fc.constantFrom('x-a', 'content-type', 'host'),
    fc.constantFrom('v', 'a\n'),
  ),
)
const aLine = fc
  .array(fc.tuple(member, value), { maxLength: 5 })
  .map((pairs) => {
    const rows = [['to', 'crm'], ['body', 'text'], ...pairs]
    return `{${rows.map((row) => row.map((it) => JSON.stringify(it)).join(':')).join(',')}}`
  })
  .map((text) => Buffer.from(text))
const anyLine = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  aLine,
  fc.tuple(aLine, damage).map(([line, blow]) => blow(line)),
)

const aBody = fc.oneof(fc.json({ maxDepth: 3 }), fc.bigInt().map(String))

const messages: readonly Entry[] = ['1P', '2P', '3P'].map((end) => ({
  id: `01JD3Z8K6Q4W5E6R7T8Y9V0A${end}`,
  state: 'deferred',
  lane: 'crm',
  due: NOW,
  tries: 0,
}))
const desk = {
  list: ({ ids = [] }: { ids?: readonly string[] }) =>
    Promise.resolve({
      items: messages.filter((entry) => ids.some((ending) => entry.id.endsWith(ending))),
    }),
} as unknown as Desk

function ioWith(stdin: string | Uint8Array): Io {
  return {
    stdin: Readable.from([Buffer.from(stdin)]),
    clock: { now: () => NOW, monotonic: () => 0 },
  } as unknown as Io
}

const ending = fc.oneof(
  fc.constantFrom(ID, ID.slice(-8), ID.slice(-6), ID.slice(-6).toLowerCase()),
  anId,
  anId.chain((id) => fc.integer({ min: 1, max: 26 }).map((length) => id.slice(-length))),
)
const word = fc.oneof(ending, wild, damaged(anId), fc.constantFrom('-', 'ALL', 'all', ''))
const texts = fc.oneof(
  wild,
  fc.constantFrom('4h', '90s', '1h30m', '09:00', '2026-11-20', '@0', '5', '0', '-1', '1e9'),
  fc.constantFrom(...STATES, 'crm', 'crm,ops', '=h_443', 'https://h/x', 'http://[', 'ALL,'),
)
const OPTIONS = 'to state older-than newer-than since until tries-over limit'
const option = fc.tuple(
  fc.constantFrom(...OPTIONS.split(' ')).map((name) => `--${name}`),
  texts,
)

async function selects(words: readonly string[], stdin: string): Promise<boolean> {
  const command = addSelectorOptions(new Command('x').argument('[ID...]').exitOverride())
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} })
  try {
    command.parse(words, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return true
    throw error
  }
  const options = command.opts<SelectorOptions>()
  const selection = await orRefusal(() =>
    selectorOf(command.args, options, ioWith(stdin), desk),
  )
  if (selection instanceof MsgqError)
    return ['usage', 'data', 'no-input'].includes(selection.code)
  const { selector, entries, absent, all, named } = selection
  const { lanes = [], states = [], before = 0, after = 0, limit = 1, ids = [] } = selector
  return (
    !(all && named) &&
    lanes.every(isLane) &&
    states.every(isState) &&
    [before, after, limit].every(Number.isSafeInteger) &&
    limit >= 1 &&
    ids.every(isId) &&
    ids.length === entries.length &&
    absent.every((id) => !messages.some((entry) => entry.id.endsWith(id)))
  )
}

export const inputLaws = [
  law(
    'batch: any line is a message that can be sealed, or refused',
    12,
    fc.tuple(anyLine, fc.boolean(), fc.constantFrom('crm', undefined)),
    async ([line, known, to]) => {
      const under = known ? { ...terms, destinations } : terms
      const made = await orRefusal(() => composeLine(line, { to, terms: under, now: NOW }))
      if (made instanceof MsgqError) return ['data', 'usage'].includes(made.code)
      const envelope = JSON.stringify(seal(made.draft, made.body, accepted))
      return JSON.stringify(parseEnvelope(envelope)) === envelope
    },
  ),
  law('batch: any JSON goes out as it was written', 6, aBody, async (json) => {
    const line = Buffer.from(`{"to":"crm", "body": ${json} }`)
    const made = await orRefusal(() =>
      composeLine(line, { to: undefined, terms, now: NOW }),
    )
    const expected = json.startsWith('"') ? (JSON.parse(json) as string) : json
    if (made instanceof MsgqError) return /\p{Cs}/u.test(expected)
    return made.body.toString() === expected
  }),
  law(
    'batch: a member is the text that JSON.parse finds',
    5,
    fc.tuple(
      fc.dictionary(fc.oneof(fc.constant('body'), fc.string()), fc.jsonValue(), {
        noNullPrototype: true,
      }),
      fc.constantFrom(undefined, 1, '\t', '\r\n '),
    ),
    ([object, space]) => {
      const json = JSON.stringify(object, undefined, space)
      const text = memberText(json, 'body')
      const parsed = JSON.parse(json) as Record<string, unknown>
      if (text === undefined) return !Object.hasOwn(parsed, 'body')
      return JSON.stringify(JSON.parse(text)) === JSON.stringify(parsed['body'])
    },
  ),
  law(
    'ids: words and lines of stdin are ids in capitals, or refused',
    5,
    fc.tuple(fc.array(word, { maxLength: 4 }), fc.array(fc.oneof(ending, wild))),
    async ([words, lines]) => {
      const ids = await orRefusal(() => readIds(words, ioWith(lines.join('\n'))))
      if (ids instanceof MsgqError) return ['usage', 'data'].includes(ids.code)
      return ids.every((id) => isIdEnding(id) && id === id.toUpperCase())
    },
  ),
  law(
    'selector: any words and options select, or are refused',
    7,
    fc.tuple(
      fc.array(
        fc.oneof(
          option,
          word.map((one) => [one]),
        ),
        { maxLength: 5 },
      ),
      fc.array(ending, { maxLength: 3 }),
    ),
    ([words, lines]) => selects(words.flat(), lines.join('\n')),
  ),
]

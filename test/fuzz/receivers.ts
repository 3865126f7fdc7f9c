/**
 * receivers - what a receiver writes (Retry-After, HTTP dates), and the scripts of `msgq sink`.
 */
import fc from 'fast-check'

import { MsgqError } from '../../src/base/errors.ts'
import { parseScript } from '../../src/cli/sink-answers.ts'
import { httpDate, retryAfter } from '../../src/transport/retry-after.ts'
import { damaged } from './damage.ts'
import { law, orRefusal } from './law.ts'

const NOW = Date.parse('2026-11-20T10:15:00.123Z')
const DAY = 86_400_000

const moment = fc.integer({ min: 0, max: 253_402_300_799 }).map((s) => s * 1000)
/** A moment, and how long ago it is: so long that two digits of its year still tell it. */
const past = fc.tuple(
  moment,
  fc.nat(49 * 365).map((days) => days * DAY),
)
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** The three forms of RFC 9110, 5.6.7. */
function forms(at: number): [string, string, string] {
  const date = new Date(at)
  const [week, day, month, year, time] = date.toUTCString().replace(',', '').split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ]
  const long = DAYS[date.getUTCDay()]
  return [
    date.toUTCString(),
    `${long}, ${day}-${month}-${year.slice(-2)} ${time} GMT`,
    `${week} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`,
  ]
}

const someDate = fc.tuple(moment, fc.nat(2)).map(([at, form]) => forms(at)[form] as string)
const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.double().map(String),
  fc.integer().map(String),
  fc.bigInt().map(String),
  someDate,
  damaged(someDate),
)

const status = fc.integer({ min: 200, max: 999 })
const anAnswer = fc.oneof(
  fc.constantFrom('timeout', 'reset'),
  status.map(String),
  fc.tuple(status, fc.nat(999_999_999)).map(([code, seconds]) => `${code}:${seconds}`),
)
const aList = fc.array(anAnswer, { minLength: 1, maxLength: 5 })
const path = fc.webPath().map((text) => text.replaceAll('=', '').replace(/^(?!\/)/, '/'))
const aScript = aList.map((list) => list.join(','))
const anyScript = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    aScript,
    damaged(aScript),
    fc.tuple(path, aScript).map(([at, list]) => `${at}=${list}`),
  ),
  { maxLength: 4 },
)

export const receiverLaws = [
  law(
    'retry-after: whatever is written, it lies within a day from now',
    8,
    fc.tuple(
      fc.oneof(anyValue, fc.array(anyValue, { maxLength: 3 })),
      fc.option(fc.oneof(anyValue, fc.array(anyValue, { maxLength: 2 })), {
        nil: undefined,
      }),
    ),
    ([value, date]) => {
      const at = retryAfter(value, date, NOW)
      return at === undefined || (at >= NOW && at <= NOW + DAY)
    },
  ),
  law(
    'retry-after: seconds and dates that are written well are kept to',
    4,
    fc.integer({ min: 0, max: 86_400 }),
    (seconds) => {
      const theirs = NOW - (NOW % 1000)
      const [date] = forms(theirs)
      const due = forms(theirs + seconds * 1000)
      const read = due.map((text) => retryAfter(text, date, NOW))
      read.push(retryAfter(String(seconds), undefined, NOW))
      return read.every((at) => at === NOW + seconds * 1000)
    },
  ),
  law('http date: every form of a moment reads back as it', 5, past, ([at, ago]) => {
    const [fixed, short, asctime] = forms(at)
    const near = httpDate(short, at + ago)
    return httpDate(fixed, NOW) === at && near === at && httpDate(asctime, NOW) === at
  }),
  law('http date: any text is a moment or none', 5, anyValue, (text) => {
    const at = httpDate(text, NOW)
    return at === undefined || Number.isSafeInteger(at)
  }),
  law('sink: a script is played in order, its last answer for ever', 4, aList, (list) => {
    const script = parseScript([list.join(',')])
    const played = Array.from({ length: list.length + 2 }, () => script.next('/').text)
    const last = list.at(-1) as string
    return played.join() === [...list, last, last].join()
  }),
  law('sink: any script is played or refused', 4, anyScript, async (given) => {
    const script = await orRefusal(() => parseScript(given))
    if (script instanceof MsgqError) return script.code === 'usage'
    return ['/', '', '/a', '__proto__'].every((at) => {
      const answer = script.next(at)
      return answer.kind !== 'status' || (answer.status >= 200 && answer.status < 1000)
    })
  }),
]

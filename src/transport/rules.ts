/**
 * rules - what an answer means by the rules of its destination, the first that fits.
 *
 * An answer that none of them fits means what plain HTTP says (answer.ts). A rule sees the
 * status, the headers, and of the body what we kept: its first 4 KiB, also where JSON is cut.
 * No answer makes it throw, and none takes longer than it is long.
 */
import { parseJsonStart } from '../base/json-start.ts'
import { valuesAt } from '../base/json-path.ts'
import { compilePattern } from '../base/pattern.ts'
import type { Rule, Test } from '../config/rule.ts'
import { isSetup, quoteOf, statusLine, textOf } from './answer.ts'
import type { Answer, Judged } from './answer.ts'
import { retryAfter } from './retry-after.ts'

/** No word of a receiver counts for longer (ms). */
const DAY = 86_400_000
/** Statuses that speak for the receiver as a whole. */
const WHOLE_LANE = new Set([429, 503])

/** What is asked of an answer. Its JSON is read when a rule asks for it. */
interface Asked {
  readonly answer: Answer
  readonly text: string
  json(): unknown
}

/** The outcome of an answer by rules; `plain` is what it means without them. */
export function judgeByRules(
  answer: Answer,
  plain: Judged,
  rules: readonly Rule[],
  now: number,
  hide: (text: string) => string,
): Judged {
  const text = textOf(answer)
  let known: { readonly json: unknown } | undefined
  const json = () => (known ??= { json: parseJsonStart(text) }).json
  const asked = { answer, text, json }
  const rule = rules.find((each) => fits(each, asked))
  return rule === undefined ? plain : apply(rule, asked, plain, now, hide)
}

function fits({ status, headers, body, json }: Rule, asked: Asked): boolean {
  const { answer, text } = asked
  if (
    status &&
    !status.some(([low, high]) => low <= answer.status && answer.status <= high)
  )
    return false
  if (headers && !headers.every(([name, test]) => headerFits(answer, name, test)))
    return false
  if (body && !holds(body, text === '' ? [] : [text], false)) return false
  return !json || json.every(([path, test]) => holds(test, valuesAt(asked.json(), path)))
}

function headerFits({ headers }: Answer, name: string, test: Test): boolean {
  const value = headers[name]
  const values = value === undefined ? [] : typeof value === 'string' ? [value] : value
  return holds(test, values, false)
}

/** True when one of the values passes, or when none should be there and none is. */
function holds(test: Test, values: readonly unknown[], exact = true): boolean {
  const { equals, contains, matches, exists } = test
  if (exists === false) return values.length === 0
  const like = (text: string) => (exact ? text : text.toLowerCase())
  return values.some((value) => {
    const isText = ['string', 'number', 'boolean'].includes(typeof value)
    const text = isText ? String(value) : ''
    if (equals && !equals.some((each) => isText && like(String(each)) === like(text)))
      return false
    const low = text.toLowerCase()
    if (contains && !contains.some((each) => low.includes(each.toLowerCase()))) return false
    return !matches || matches.some((each) => compilePattern(each).test(text))
  })
}

function apply(
  rule: Rule,
  asked: Asked,
  plain: Judged,
  now: number,
  hide: (text: string) => string,
): Judged {
  const { answer } = asked
  const { status } = answer
  const { verdict: word, fault } = rule
  const common = {
    status,
    ...(plain.answer === undefined ? {} : { answer: plain.answer }),
    ...(plain.laneUntil === undefined ? {} : { laneUntil: plain.laneUntil }),
  }
  const line = statusLine({ ...answer, statusText: hide(answer.statusText) })
  if (word === 'deliver' && plain.kind === 'delivered') return plain
  const quote = quoteOf(hide(asked.text), line)
  const said = quote === '' ? line : `${line}: "${quote}"`
  const told = rule.why === undefined ? word : `${word}, ${rule.why}`
  const reason = `${said} (${rule.by}: ${told})`
  switch (word) {
    case 'deliver':
      return { kind: 'delivered', reason, ...common }
    case 'bounce':
      return { kind: 'bounced', reason, fault: fault ?? faultOf(status), ...common }
    case 'hold':
      return { kind: 'held', reason, fault: fault ?? faultOf(status), ...common }
    case 'suspend': {
      const whose = fault ?? 'configuration'
      const lane = { uncharged: true, suspends: true } as const
      return { kind: 'deferred', reason, fault: whose, ...common, ...lane }
    }
    case 'defer': {
      const notBefore = notBeforeOf(rule, asked, now)
      // What is said of one message is said of no other, whatever the status.
      const whole = rule.lane ?? (WHOLE_LANE.has(status) && fault !== 'message')
      return {
        kind: 'deferred',
        reason,
        fault: fault ?? 'receiver',
        ...common,
        ...(notBefore === undefined ? {} : { notBefore }),
        ...(notBefore !== undefined && whole ? { wholeLane: true } : {}),
      }
    }
  }
}

function faultOf(status: number): 'configuration' | 'message' {
  return isSetup(status) ? 'configuration' : 'message'
}

/** The latest of what the rule and Retry-After say; undefined when neither does. */
function notBeforeOf(
  { after }: Rule,
  { answer, json }: Asked,
  now: number,
): number | undefined {
  const { headers } = answer
  const date = headers['date']
  const theirs = retryAfter(headers['retry-after'], date, now)
  const ours = ((): number | undefined => {
    if (after === undefined) return undefined
    if ('ms' in after) return now + after.ms
    if ('header' in after) {
      const value = headers[after.header]
      const text = typeof value === 'string' ? value : value?.[0]
      if (text === undefined) return undefined
      return spanEnd(text, after.unit, now) ?? retryAfter(text, date, now)
    }
    const [value] = valuesAt(json(), after.json)
    return typeof value === 'number' || typeof value === 'string'
      ? spanEnd(String(value), after.unit, now)
      : undefined
  })()
  if (theirs === undefined || ours === undefined) return theirs ?? ours
  return Math.max(theirs, ours)
}

function spanEnd(text: string, unit: number, now: number): number | undefined {
  if (!/^\s*\d{1,15}(?:\.\d{1,15})?\s*$/.test(text)) return undefined
  return now + Math.min(Math.ceil(Number(text) * unit), DAY)
}

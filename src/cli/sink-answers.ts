/**
 * sink-answers - the script that `msgq sink` plays: what to answer, request by request.
 *
 * `503,503,200` is played in order and its last answer repeats; `/a=503,200` is the script of
 * one path alone. Whoever has no script answers 200.
 */
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'

/** One answer, and how it is written in a script. */
export type SinkAnswer =
  | {
      readonly kind: 'status'
      readonly text: string
      readonly status: number
      /** Seconds that Retry-After says. */
      readonly retryAfter?: number
    }
  /** Never answers. */
  | { readonly kind: 'timeout'; readonly text: string }
  /** Resets the connection. */
  | { readonly kind: 'reset'; readonly text: string }

/** Plays the scripts; each path that has its own is apart. */
export interface SinkScript {
  next(path: string): SinkAnswer
}

const OK: SinkAnswer = { kind: 'status', text: '200', status: 200 }

/** Reads `[PATH=]ANSWER[,ANSWER]...`, once for each `--answer`. */
export function parseScript(given: readonly string[]): SinkScript {
  const scripts = new Map<string, SinkAnswer[]>()
  for (const text of given) {
    const [, path = '', list = ''] = /^(?:(\/[^=]*)=)?(.*)$/s.exec(text) ?? []
    if (scripts.has(path))
      throw new MsgqError(
        'usage',
        `--answer: ${path === '' ? 'is there twice' : `${printable(path)} is there twice`}`,
        'write one list: --answer 503,503,200',
      )
    scripts.set(path, list.split(',').map(parseAnswer))
  }
  return {
    next(path) {
      const script = scripts.get(path) ?? scripts.get('') ?? []
      return (script.length > 1 ? script.shift() : script[0]) ?? OK
    },
  }
}

function parseAnswer(given: string): SinkAnswer {
  const text = given.trim()
  if (text === 'timeout' || text === 'reset') return { kind: text, text }
  const [, status, seconds] = /^([2-9]\d\d)(?::(\d{1,9}))?$/.exec(text) ?? []
  if (status === undefined)
    throw new MsgqError(
      'usage',
      `--answer: is no answer: ${JSON.stringify(printable(text, 60))}`,
      'a status (503), one with Retry-After in seconds (503:30), timeout, or reset',
    )
  return {
    kind: 'status',
    text,
    status: Number(status),
    ...(seconds === undefined ? {} : { retryAfter: Number(seconds) }),
  }
}

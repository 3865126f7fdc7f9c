/**
 * preset - what a service is: its request, its limits, and what its answers mean.
 *
 * A destination of a preset's type is an HTTP destination whose URL, headers and rules come from
 * here where it says none of its own, and whose text becomes the service's message. The files
 * beside this one are meant to be read: what stands in `on` is TOML, as an operator writes it.
 */
import type * as v from 'valibot'

import { hasControl } from '../../base/text.ts'
import type { Level } from '../../message/draft.ts'
import type { Envelope } from '../../message/envelope.ts'
import type { Auth } from '../config.ts'
import { readSecretRef, SECRET_HINT } from '../reference.ts'
import type { Secret, Within } from '../reference.ts'
import { text, value } from '../values.ts'

/** What a sender said, as a preset tells it to its service. */
export interface Said {
  /** Cut to what the service takes. */
  readonly text: string
  readonly subject?: string
  readonly level?: Level
  readonly id: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly host?: string
}

/** The options of a destination, as its preset's schema gave them back. */
export type Options = Readonly<Record<string, unknown>>

/** Where the requests go, and how they prove who sends them. */
export interface Reach {
  readonly url: string | Secret | Within
  readonly headers?: Readonly<Record<string, string | Secret | Within>>
  readonly auth?: Auth
  readonly idempotencyHeader?: string
}

/** A message that a preset hands on as it is. */
export interface Carried {
  readonly envelope: Envelope
  readonly contentType: string | undefined
  /** Of the destination. */
  readonly name: string
}

/** An option that is missing, or does not go with another. */
export interface Lack {
  readonly option: string
  readonly why: string
  readonly hint: string
}

/** How much text: as it is, or as JSON writes it. */
export interface Limit {
  readonly most: number
  readonly of: 'characters' | 'bytes' | 'bytes of JSON'
}

export interface Preset {
  readonly type: string
  /** Its options beside those of every HTTP destination. */
  readonly options: Readonly<Record<string, v.GenericSchema>>
  /** Those of them that are secrets. */
  readonly secrets: readonly string[]
  /** Those that stand in the body; the others are in URL or headers. */
  readonly bodySecrets?: readonly string[]
  /** What holds where the destination says nothing, as one would write it. */
  readonly defaults: {
    readonly lane?: { readonly rate?: string; readonly window?: number }
    readonly [option: string]: unknown
  }
  /** What holds in their place for a destination that says this. */
  further?(options: Options): Pick<Preset['defaults'], 'lane'>
  reach(options: Options & { readonly url?: string | Secret | Within }): Reach | Lack
  /** The most text that the service takes, with the subject. */
  readonly limit?: Limit | ((options: Options) => Limit)
  /** What becomes of a longer text. */
  readonly tooLong: 'cut' | 'bounce'
  /** The text as the service wants it written. */
  readonly escape?: (text: string) => string
  /** The body, or why there is none for these options. */
  message?(said: Said, options: Options): object | string
  /** Instead: what goes along with the body where that is taken whole, whatever it is. */
  carry?(carried: Carried, options: Options): object
  /** The rules, in TOML. */
  readonly on: string
}

/** A secret, by reference. */
export const secret = () => value(readSecretRef)
export { SECRET_HINT }

/** One line of text that is not empty. */
export const line = (hint = '') =>
  text(
    (given) =>
      given === ''
        ? 'is empty'
        : hasControl(given)
          ? 'has a line break or a control character'
          : undefined,
    hint,
  )

const SIGNS: Readonly<Record<Level, string>> = {
  info: 'ℹ️',
  success: '✅',
  warning: '⚠️',
  error: '❌',
  critical: '🚨',
}

/** The sign of a level and the subject, in one line; empty where neither was said. */
export function titleOf(
  { subject, level }: Pick<Said, 'subject' | 'level'>,
  wrap: (subject: string) => string = (it) => it,
): string {
  const sign = level === undefined ? '' : SIGNS[level]
  const title = subject === undefined || subject === '' ? '' : wrap(subject)
  return [sign, title].filter((part) => part !== '').join(' ')
}

/** Title and text; a sign alone stands before the text. */
export function titled(said: Said, wrap?: (subject: string) => string): string {
  const title = titleOf(said, wrap)
  if (title === '') return said.text
  if (said.text === '') return title
  return `${title}${said.subject ? '\n' : ' '}${said.text}`
}

/** The beginning of a text, without half a character at its end. */
export function headOf(whole: string, most: number): string {
  return whole.slice(0, most).replace(/[\ud800-\udbff]$/, '')
}

/** The members that are there. */
export function present(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(members).filter(([, member]) => member !== undefined),
  )
}

/**
 * template - text with {{names}} in it, filled from the body of an event: mustache.
 *
 * What is filled in is escaped by the type of the output: as the inside of a JSON text, as HTML,
 * or not at all. `{{{name}}}` is not escaped; of an object or a list it is its JSON. A name that
 * is not there is empty. There are no partials, and nothing of a body is ever run. The library
 * is loaded when the first template is.
 */
import { createRequire } from 'node:module'

import type Mustache from 'mustache'

/** How a value is written into the output. */
export type Escaping = 'json' | 'html' | 'text'

/** The way that belongs to a content type. */
export function escapingOf(contentType: string): Escaping {
  if (/^application\/([\w.+-]+\+)?json\b/i.test(contentType)) return 'json'
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(contentType) ? 'html' : 'text'
}

/** What is known of a message beside its body. */
export interface Facts {
  readonly id: string
  readonly event: string
  readonly createdAt: string
  readonly destination: string
}

/** What names mean: members of the body, and over them the facts; all of the body as `body`. */
export function viewOf(body: string, facts: Facts): object {
  const read = JSON.parse(body, plain) as unknown
  const members = typeof read === 'object' && read !== null ? read : {}
  return { ...members, ...facts, body: read }
}

/** So that it is written as JSON, and has no members but its own. */
function plain(_: string, value: unknown): unknown {
  if (Array.isArray(value)) Object.defineProperty(value, 'toString', { value: asJson })
  else if (typeof value === 'object' && value !== null) Object.setPrototypeOf(value, PLAIN)
  return value
}

function asJson(this: unknown): string {
  return JSON.stringify(this)
}

const PLAIN: object = Object.defineProperty(Object.create(null) as object, 'toString', {
  value: asJson,
})

const ESCAPES: Readonly<Record<Escaping, (value: unknown) => string>> = {
  json: (value) => JSON.stringify(String(value)).slice(1, -1),
  html: (value) =>
    String(value).replace(/[&<>"'`=/]/g, (sign) => `&#${sign.charCodeAt(0)};`),
  text: String,
}

/** Fills a template in. Throws an Error where it cannot be read. */
export function fill(template: string, view: object, escaping: Escaping): string {
  return library().render(template, view, {}, { escape: ESCAPES[escaping] })
}

/** Why a text is no template; undefined where it is one. */
export function templateDefect(template: string): string | undefined {
  try {
    const partial = find(tokensOf(template), (kind) => kind === '>')
    return partial === undefined ? undefined : `{{> ${partial}}}: there are no partials`
  } catch (error) {
    return (error as Error).message.replace(/ at (\d+)$/, ' (character $1)')
  }
}

/** Values that one template or another needs to make JSON: of `\\u{{hex}}` four digits. */
const SAMPLES = ['1', '', '1111']
/** More sections than that are not tried in all combinations. */
const MOST_SECTIONS = 6

/**
 * Why no body whatever makes JSON of a template; undefined where one may. What is not escaped
 * may be anything, so such a template is not judged.
 */
export function jsonDefect(template: string): string | undefined {
  const tokens = tokensOf(template)
  if (find(tokens, (kind) => kind === '&') !== undefined) return undefined
  const sections = new Set<string>()
  find(tokens, (kind, name) => {
    if (kind === '#' || kind === '^') sections.add(name)
    return false
  })
  if (sections.size > MOST_SECTIONS) return undefined
  let first: string | undefined
  for (const value of SAMPLES)
    for (let on = 2 ** sections.size - 1; on >= 0; on--) {
      const shown = new Set([...sections].filter((_, n) => on & (1 << n)))
      try {
        JSON.parse(sample(tokens, value, shown))
        return undefined
      } catch (error) {
        first ??= (error as Error).message
      }
    }
  return first
}

type Token = readonly [kind: string, text: string, ...rest: unknown[]]

function tokensOf(template: string): readonly Token[] {
  return library().parse(template) as readonly Token[]
}

/** The first tag that is meant, in whatever section. */
function find(
  tokens: readonly Token[],
  isMeant: (kind: string, text: string) => boolean,
): string | undefined {
  for (const token of tokens) {
    const [kind, text] = token
    if (isMeant(kind, text)) return text
    const inner = find(innerOf(token), isMeant)
    if (inner !== undefined) return inner
  }
  return undefined
}

function innerOf([kind, , , , inner]: Token): readonly Token[] {
  return kind === '#' || kind === '^' ? (inner as readonly Token[]) : []
}

/** The template with one value for all names, and some of its sections. */
function sample(
  tokens: readonly Token[],
  value: string,
  shown: ReadonlySet<string>,
): string {
  let text = ''
  for (const token of tokens) {
    const [kind, name] = token
    if (kind === 'text') text += name
    else if (kind === 'name') text += value
    else if ((kind === '#' && shown.has(name)) || (kind === '^' && !shown.has(name)))
      text += sample(innerOf(token), value, shown)
  }
  return text
}

let loaded: typeof Mustache | undefined

function library(): typeof Mustache {
  loaded ??= createRequire(import.meta.url)('mustache') as typeof Mustache
  return loaded
}

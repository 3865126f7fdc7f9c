/**
 * routes - every [[routes]] of every file, checked: which events go where.
 *
 * In the order of the files, and in a file from the top. Filters are read and templates are
 * looked at here, so that what can never work is found before a message needs it.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isUtf8 } from 'node:buffer'

import * as v from 'valibot'

import { plainError } from '../base/errno.ts'
import { didYouMean, hasControl, printable } from '../base/text.ts'
import type { Filter } from '../message/filter.ts'
import { parseFilter } from '../message/filter-grammar.ts'
import { FilterError } from '../message/filter-tokens.ts'
import { escapingOf, jsonDefect, templateDefect } from '../message/template.ts'
import type { Destination } from './config.ts'
import { issueProblems, unknownProblems } from './destinations.ts'
import { table } from './options.ts'
import { formatPlace, problemAt } from './problem.ts'
import type { Path, Problem } from './problem.ts'
import type { Route } from './route.ts'
import { placeOf } from './sources.ts'
import type { Source } from './sources.ts'
import { isTable } from './toml.ts'
import { show, value } from './values.ts'
import type { Reading } from './values.ts'

/** What a template makes where the destination does not say it; text where a service shapes it. */
export function outputType(destination: Destination): string {
  const { type, contentType } = destination
  const isOwn = type === 'http' && destination.preset === undefined
  return contentType ?? (isOwn ? 'application/json' : 'text/plain; charset=utf-8')
}

const EVENT_HINT = 'write "user.created", or ["user.*", "invoice.paid"]; * is any text'
const TO_HINT = 'write the name of a destination, or a list of them'
const FILTER_HINT = `write a test of the body, such as 'user.role == "admin" and amount >= 100'`
const TEMPLATE_HINT = 'write its text, or { file = "name.mustache" }'
/** Larger files are not meant. */
const MOST_TEMPLATE = 1024 * 1024

function readNames(
  given: unknown,
  hint: string,
  mayBeNone: boolean,
): Reading<readonly string[]> {
  const names: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (names.length === 0 && !mayBeNone) return { why: 'is an empty list', hint }
  for (const name of names) {
    if (typeof name !== 'string') return { why: `is not a text: ${show(name)}`, hint }
    if (name === '' || hasControl(name))
      return { why: 'is empty or has a control character', hint }
  }
  return { value: [...new Set(names as readonly string[])] }
}

function readFilter(given: unknown): Reading<Filter> {
  if (typeof given !== 'string')
    return { why: `is not a text: ${show(given)}`, hint: FILTER_HINT }
  try {
    return { value: parseFilter(given) }
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const { message, column } = error
    const part = printable(given.slice(Math.max(0, column - 20), column + 20), 60)
    return { why: `character ${column}: ${message}`, hint: `near ${part}; ${FILTER_HINT}` }
  }
}

/** The text of a template, or the file in which it stands. */
function readTemplate(given: unknown): Reading<string | { readonly file: string }> {
  if (typeof given === 'string') return { value: given }
  const isFile =
    isTable(given) && Object.keys(given).join() === 'file' && given['file'] !== ''
  return isFile && typeof given['file'] === 'string'
    ? { value: { file: given['file'] } }
    : { why: `is no template: ${show(given)}`, hint: TEMPLATE_HINT }
}

/** One of `[[routes]]`. */
export const routeTable = table(
  {
    event: value((given) => readNames(given, EVENT_HINT, false)),
    to: value((given) => readNames(given, TO_HINT, true)),
    filter: v.optional(value(readFilter)),
    template: v.optional(value(readTemplate)),
  },
  { event: EVENT_HINT, to: TO_HINT },
  'write [[routes]] with event and to',
)

/** What routes lead to, as far as it is known. */
interface Known {
  readonly destinations: ReadonlyMap<string, Destination>
  readonly names: ReadonlySet<string>
  /** False where a file cannot be read, which may define more. */
  readonly isAll: boolean
}

/** Reads the routes of all files; adds what is wrong to the problems. */
export function readRoutes(
  files: readonly Source[],
  known: Known,
  problems: Problem[],
): readonly Route[] {
  const routes: Route[] = []
  for (const source of files) {
    const given = source.table['routes']
    // What is no list was said by its schema.
    if (!Array.isArray(given)) continue
    for (const [index, each] of given.entries()) {
      const route = readOne(source, index, each, known, problems)
      if (route !== undefined) routes.push({ ...route, name: `routes.${routes.length}` })
    }
  }
  return routes
}

function readOne(
  source: Source,
  index: number,
  given: unknown,
  known: Known,
  problems: Problem[],
): Omit<Route, 'name'> | undefined {
  const path: Path = ['routes', index]
  const found = unknownProblems(source, routeTable, given, path)
  const result = v.safeParse(routeTable, given)
  found.push(...issueProblems(source, result.issues ?? [], path))
  if (!result.success) {
    problems.push(...found)
    return undefined
  }
  const { event, to, filter, template } = result.output
  const place = placeOf(source, [...path, 'template'])
  const text = template === undefined ? undefined : textOf(source, template)
  if (text !== undefined && typeof text !== 'string')
    found.push(problemAt(place, text.why, TEMPLATE_HINT))
  if (known.isAll)
    for (const name of to) {
      if (known.names.has(name)) continue
      const meant = didYouMean(name, known.names)
      const hint =
        meant === undefined ? 'name a [destinations.NAME]' : `did you mean ${meant}?`
      const why = `no such destination: ${JSON.stringify(name)}`
      found.push(problemAt(placeOf(source, [...path, 'to']), why, hint))
    }
  if (typeof text === 'string') {
    const defect = templateDefect(text) ?? outputDefect(text, to, known)
    if (defect !== undefined) found.push(problemAt(place, defect))
  }
  problems.push(...found)
  if (found.length > 0) return undefined
  return {
    events: event,
    to,
    ...(filter === undefined ? {} : { filter }),
    ...(typeof text === 'string' ? { template: text } : {}),
    where: formatPlace(placeOf(source, path)),
  }
}

function textOf(
  { file: config }: Source,
  template: string | { readonly file: string },
): string | { readonly why: string } {
  if (typeof template === 'string') return template
  const path = resolve(dirname(config), template.file)
  try {
    const bytes = readFileSync(path)
    if (bytes.length > MOST_TEMPLATE) return { why: `${path}: is over 1MiB` }
    return isUtf8(bytes) ? bytes.toString() : { why: `${path}: is not UTF-8 text` }
  } catch (error) {
    return { why: `${path}: ${plainError(error)}` }
  }
}

/** Why what a template makes can be nothing that its destinations take. */
function outputDefect(
  text: string,
  to: readonly string[],
  { destinations }: Known,
): string | undefined {
  const json = to.find((name) => {
    const destination = destinations.get(name)
    return destination && escapingOf(outputType(destination)) === 'json'
  })
  const why = json === undefined ? undefined : jsonDefect(text)
  return why === undefined ? undefined : `makes no JSON for ${json}: ${why}`
}

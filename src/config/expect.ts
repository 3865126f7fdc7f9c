/**
 * expect - `[[expect]]`: what has to come now and then, and who is told where it does not.
 */
import * as v from 'valibot'

import { formatDuration } from '../base/duration.ts'
import { didYouMean } from '../base/text.ts'
import { shownTo } from '../message/mask.ts'
import { isTable } from './toml.ts'
import { recipients, span, text, value, word } from './values.ts'
import type { Reading } from './values.ts'

const YEAR = 366 * 86_400_000

/** Something that has to come now and then. */
export interface Expectation {
  /** By what it is known: what was written of it. */
  readonly name: string
  /** In these `*` stands for any text; all that are given must fit. */
  readonly event?: string
  readonly to?: string
  readonly key?: string
  readonly when: 'accepted' | 'delivered'
  readonly every: number
  readonly notify: readonly string[]
}

const expectEntries = {
  event: v.optional(text((event) => (event === '' ? 'is empty' : undefined))),
  to: v.optional(text((to) => (to === '' ? 'is empty' : undefined))),
  key: v.optional(text((key) => (key === '' ? 'is empty' : undefined))),
  when: v.optional(word(['accepted', 'delivered'])),
  every: span(1, YEAR),
  notify: v.optional(recipients()),
}
const EXPECT_HINT = 'write [[expect]] with event = "backup.ok" and every = "26h"'

/** `[[expect]]`: who is told is filled in later. */
export type Expected = Omit<Expectation, 'notify'> & { readonly notify?: readonly string[] }

/** `[[expect]]`, all of them. */
export function expectations() {
  return value<readonly Expected[]>((given) => {
    if (!Array.isArray(given)) return { why: 'is not a list of tables', hint: EXPECT_HINT }
    const read: Expected[] = []
    for (const [at, each] of (given as readonly unknown[]).entries()) {
      const one = expectation(each)
      if ('why' in one) return { ...one, why: `number ${at + 1}: ${one.why}` }
      if (read.some(({ name }) => name === one.value.name))
        return { why: `number ${at + 1} stands there already: ${one.value.name}` }
      read.push(one.value)
    }
    return { value: read }
  })
}

function expectation(given: unknown): Reading<Expected> {
  if (!isTable(given)) return { why: 'is not a table', hint: EXPECT_HINT }
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(expectEntries, key))
  if (unknown !== undefined) {
    const known = Object.keys(expectEntries)
    const meant = didYouMean(unknown, known)
    const hint =
      meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
    return { why: `unknown option ${JSON.stringify(unknown)}`, hint }
  }
  const result = v.safeParse(v.object(expectEntries), given)
  if (!result.success) {
    const [issue] = result.issues
    const key = String(issue.path?.[0].key ?? '')
    if (!Object.hasOwn(given, key)) return { why: `${key} is missing`, hint: EXPECT_HINT }
    const [why = '', hint = ''] = issue.message.split('\n')
    return { why: `${key} ${why}`, hint }
  }
  const { event, to, key, every, notify, when = 'accepted' } = result.output
  if (event === undefined && to === undefined && key === undefined)
    return { why: 'says neither event nor to nor key', hint: EXPECT_HINT }
  if (when === 'delivered' && to === undefined)
    return { why: 'when = "delivered" needs a `to`', hint: 'to = "crm"' }
  if (when === 'delivered' && (event ?? key) !== undefined)
    return { why: 'when = "delivered" goes by `to` alone', hint: 'leave event and key out' }
  // A URL as people may see it: the name stands in logs and reports.
  const shown = to === undefined ? undefined : shownTo(to)
  const said = { event, to: shown, key, when: when === 'accepted' ? undefined : when }
  const name = Object.entries(said).flatMap(([what, which]) =>
    which === undefined ? [] : [`${what} ${which}`],
  )
  return {
    value: {
      name: `${name.join(', ')}, every ${formatDuration(every)}`,
      ...(event === undefined ? {} : { event }),
      ...(to === undefined ? {} : { to }),
      ...(key === undefined ? {} : { key }),
      when,
      every,
      ...(notify === undefined ? {} : { notify }),
    },
  }
}

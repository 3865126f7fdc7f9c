/**
 * named - a table whose keys somebody chose, each value read by itself: headers, a query.
 */
import * as v from 'valibot'

import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { because, issueAt } from './values.ts'
import type { Reading } from './values.ts'

/** A schema of such a table; `above` are the names that stand before one in it. */
export function named<T>(
  read: (name: string, given: unknown, above: readonly string[]) => Reading<T>,
  form: string,
) {
  return v.pipe(
    v.custom<Table>(isTable, because('is not a table', form)),
    v.rawTransform<Table, Record<string, T>>(({ dataset, addIssue }) => {
      const found: [string, T][] = []
      const above: string[] = []
      for (const [name, given] of Object.entries(dataset.value)) {
        const reading = read(name, given, above)
        above.push(name)
        if ('value' in reading) found.push([name, reading.value])
        else addIssue(issueAt(dataset.value, name, reading))
      }
      return Object.fromEntries(found)
    }),
  )
}

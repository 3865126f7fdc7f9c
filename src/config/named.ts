/**
 * named - a table whose keys somebody chose, each value read by itself: headers, a query.
 */
import * as v from 'valibot'

import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { because } from './values.ts'
import type { Reading } from './values.ts'

/** A schema of such a table; each problem has the path of its key. */
export function named<T>(read: (name: string, given: unknown) => Reading<T>, form: string) {
  return v.pipe(
    v.custom<Table>(isTable, because('is not a table', form)),
    v.rawTransform<Table, Record<string, T>>(({ dataset, addIssue }) => {
      const found: [string, T][] = []
      for (const [key, given] of Object.entries(dataset.value)) {
        const reading = read(key, given)
        if ('value' in reading) found.push([key, reading.value])
        else
          addIssue({
            message: because(reading.why, reading.hint),
            path: [
              {
                type: 'object',
                origin: 'value',
                input: dataset.value,
                key,
                value: given,
              },
            ],
          })
      }
      return Object.fromEntries(found)
    }),
  )
}

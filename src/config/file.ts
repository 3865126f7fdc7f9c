/**
 * file - the options of a destination of type "file", and what they come to.
 */
import type * as v from 'valibot'

import { commonEntries, typeEntry } from './common.ts'
import type { FileDestination } from './config.ts'
import { table } from './options.ts'
import { pathDefect, text } from './values.ts'

const PATH_HINT = 'write it from / on: "/var/log/msgq/events.jsonl"'

/** `[destinations.NAME]` of type "file". */
export const fileDestinationTable = table(
  {
    type: typeEntry,
    path: text(
      (path) => (path.endsWith('/') ? 'names a directory' : pathDefect(path)),
      PATH_HINT,
    ),
    ...commonEntries,
  },
  { path: `path = FILE: ${PATH_HINT}` },
)

/** What a table says of type "file" beside what every type has. */
export function filePartOf({
  path,
}: v.InferOutput<typeof fileDestinationTable>): Pick<FileDestination, 'type' | 'path'> {
  return { type: 'file', path }
}

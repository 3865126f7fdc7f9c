/**
 * exec - the options of a destination of type "exec", and what they come to.
 */
import * as v from 'valibot'

import { commonEntries, typeEntry } from './common.ts'
import type { ExecDestination } from './config.ts'
import { EXEC_DEFAULTS } from './defaults.ts'
import { DAY, table } from './options.ts'
import { readSecretRef } from './reference.ts'
import type { Secret } from './reference.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { because, issueAt, pathDefect, show, span, text, value } from './values.ts'
import type { Reading } from './values.ts'

const COMMAND_HINT = 'write ["/usr/local/bin/program", "argument"]; no shell looks at it'

function readCommand(given: unknown): Reading<readonly [string, ...string[]]> {
  if (!Array.isArray(given))
    return { why: `is not a list: ${show(given)}`, hint: COMMAND_HINT }
  const words = given as readonly unknown[]
  const odd = words.find((word) => typeof word !== 'string' || word.includes('\0'))
  if (odd !== undefined) return { why: `is not a text: ${show(odd)}`, hint: COMMAND_HINT }
  const [file, ...rest] = words as readonly string[]
  if (file === undefined || file === '')
    return { why: 'names no program', hint: COMMAND_HINT }
  if (file.includes('/') && !file.startsWith('/'))
    return { why: `is a relative path: ${show(file)}`, hint: COMMAND_HINT }
  return { value: [file, ...rest] }
}

function readVariable(name: string, given: unknown): Reading<string | Secret> {
  if (!/^[A-Za-z_]\w*$/.test(name)) return { why: 'is not the name of a variable' }
  if (name.startsWith('MSGQ_'))
    return { why: 'is taken: names with MSGQ_ say what message it is' }
  if (typeof given !== 'string') return readSecretRef(given)
  if (given.includes('\0')) return { why: 'has a zero byte' }
  return { value: isSecretVariable(name) ? { inline: given } : given }
}

/** True for a variable that is masked wherever it is shown. */
export function isSecretVariable(name: string): boolean {
  return /(?:key|token|secret|password|passwd)$/i.test(name)
}

const environmentTable = v.pipe(
  v.custom<Table>(isTable, because('is not a table', 'write { NAME = "value" }')),
  v.rawTransform<Table, Record<string, string | Secret>>(({ dataset, addIssue }) => {
    const read: [string, string | Secret][] = []
    for (const [name, given] of Object.entries(dataset.value)) {
      const reading = readVariable(name, given)
      if ('value' in reading) read.push([name, reading.value])
      else addIssue(issueAt(dataset.value, name, reading))
    }
    return Object.fromEntries(read)
  }),
)

/** `[destinations.NAME]` of type "exec". */
export const execDestinationTable = table(
  {
    type: typeEntry,
    command: value(readCommand),
    directory: v.optional(text(pathDefect, 'write it from / on')),
    environment: v.optional(environmentTable),
    timeout: v.optional(span(1, DAY)),
    ...commonEntries,
  },
  { command: `command = LIST: ${COMMAND_HINT}` },
)

/** What a table says of type "exec" beside what every type has. */
export function execPartOf({
  command,
  directory,
  environment,
  timeout,
}: v.InferOutput<typeof execDestinationTable>): Pick<
  ExecDestination,
  'type' | 'command' | 'directory' | 'environment' | 'timeout'
> {
  return {
    type: 'exec',
    command,
    directory: directory ?? EXEC_DEFAULTS.directory,
    environment: environment ?? {},
    timeout: timeout ?? v.parse(span(1, DAY), EXEC_DEFAULTS.timeout),
  }
}

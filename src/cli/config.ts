/**
 * config - the options in force, as one would write them, and where each was said.
 */
import { printable } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { showConfig } from '../config/show.ts'
import type { Row } from '../config/show.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'

interface Options {
  readonly json?: boolean
}

/** `msgq config`. */
export const define: Define = (command, begin) => {
  command
    .argument('[NAME]', 'an option, a table or a destination: retry.max, http, crm')
    .option('--json', 'print JSON, one option a line')
    .action((name: string | undefined, options: Options) =>
      begin((io, flags) => run(io, flags, name, options)),
    )
}

/** Comments stand in one column, up to here. */
const WIDEST = 50

async function run(
  io: Io,
  flags: Flags,
  name: string | undefined,
  { json }: Options,
): Promise<number> {
  const rows = showConfig(io.environment, flags, name)
  await io.print(json ? rows.map(jsonLine).join('') : formatRows(rows))
  return 0
}

function formatRows(rows: readonly Row[]): string {
  const settings = rows.map(({ option, value }) =>
    value === '' ? `#${option} =` : `${option} = ${value}`,
  )
  const width = Math.max(
    ...settings.map(({ length }) => length).filter((length) => length <= WIDEST),
    0,
  )
  return settings
    .map((setting, at) => `${setting.padEnd(width)}  # ${rows[at]!.where}`)
    .map((line) => `${printable(line, 1_000)}\n`)
    .join('')
}

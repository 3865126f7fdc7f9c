/**
 * parse-spool - the spool of a configuration that a glance could not tell.
 *
 * Loaded by `msgq send` in that case only. Refuses what leaves a doubt about the spool:
 * a text that is no TOML, and a `spool` that is misspelt or stands where it means nothing.
 */
import { MsgqError } from '../base/errors.ts'
import { looksLikeSpool, spoolDefect } from './glance.ts'
import type { Glance } from './glance.ts'
import { locator } from './locate.ts'
import { formatPath, problemAt } from './problem.ts'
import type { Path } from './problem.ts'
import { isTable, parseToml } from './toml.ts'
import type { Table } from './toml.ts'

/** What a configuration says of the spool; throws when that cannot be known. */
export function parseSpool(file: string, bytes: Buffer): Glance {
  const parsed = parseToml(file, bytes)
  if (!parsed.ok) throw unknown(parsed.problem.message)
  const { table, text } = parsed
  const refuse = (option: Path, why: string) =>
    unknown(problemAt({ file, line: locator(text)(option), option }, why).message)
  const spool = table['spool']
  if (spool !== undefined && typeof spool !== 'string')
    throw refuse(['spool'], 'is not a text')
  const defect = spool === undefined ? undefined : spoolDefect(spool)
  if (defect !== undefined) throw refuse(['spool'], defect)
  const stray = spool === undefined ? findStray(table, []) : undefined
  if (stray !== undefined)
    throw refuse(
      stray,
      stray.length === 1
        ? 'unknown option, perhaps meant as spool'
        : `stands in [${formatPath(stray.slice(0, -1))}], not above the first table`,
    )
  const any = table['any_filesystem']
  return {
    doubtful: false,
    ...(spool === undefined ? {} : { spool }),
    ...(typeof any === 'boolean' ? { anyFilesystem: any } : {}),
  }
}

function findStray(table: Table, path: Path): Path | undefined {
  for (const [key, value] of Object.entries(table)) {
    const here = [...path, key]
    if (isTable(value)) {
      const found = findStray(value, here)
      if (found !== undefined) return found
    } else if (path.length === 0 ? looksLikeSpool(key) : key === 'spool') return here
  }
  return undefined
}

function unknown(message: string): MsgqError {
  return new MsgqError(
    'config',
    `${message}, so that the spool cannot be known`,
    'mend it (msgq check), or name the spool: --spool DIR or $MSGQ_SPOOL',
  )
}

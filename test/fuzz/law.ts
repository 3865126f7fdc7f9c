/**
 * law - a property that holds for every input, with a name and its share of the cases.
 *
 * Laws live once, here in test/fuzz; `npm run fuzz` runs many cases of each, `npm test` some.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'

import { MsgqError } from '../../src/base/errors.ts'

export interface Verdict {
  readonly runs: number
  /** What broke the law, smallest first; undefined where nothing did. */
  readonly broken?: string
}

export interface Law {
  readonly name: string
  /** How many parts of all cases it gets. */
  readonly share: number
  check(runs: number, seed: number): Promise<Verdict>
}

/** A law: it breaks where `holds` returns false or throws. */
export function law<T>(
  name: string,
  share: number,
  input: fc.Arbitrary<T>,
  holds: (input: T) => boolean | Promise<boolean>,
): Law {
  return {
    name,
    share,
    async check(runs, seed) {
      const property = fc.asyncProperty(input, async (value) => holds(value))
      const details = await fc.check(property, { numRuns: runs, seed })
      const said = fc.defaultReportMessage(details)
      if (said === undefined) return { runs: details.numRuns }
      const { errorInstance: thrown } = details
      const why = thrown instanceof Error ? (thrown.stack ?? thrown.message) : ''
      return { runs: details.numRuns, broken: `${said}\n${why}` }
    },
  }
}

/** What an act returns, or the MsgqError by which it refuses; anything else thrown is a bug. */
export async function orRefusal<T>(act: () => T | Promise<T>): Promise<T | MsgqError> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof MsgqError) return error
    throw error
  }
}

/** A folder that goes with this program. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'msgq-fuzz-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

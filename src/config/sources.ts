/**
 * sources - the files of a configuration, read and parsed: msgq.toml, then conf.d/*.toml
 * beside it in the order of their names.
 *
 * A file that cannot be read is an exception and never left out; one that is no TOML is a
 * problem beside the others, so that a check can name them all.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { isMissing } from '../base/errno.ts'
import { findConfig, unreadable } from './find.ts'
import type { Environment, Flags, Found } from './find.ts'
import { locator } from './locate.ts'
import type { Locator } from './locate.ts'
import type { Path, Place, Problem } from './problem.ts'
import { joinStamps, partsFolder, stampOf } from './stamp.ts'
import { parseToml } from './toml.ts'
import type { Table } from './toml.ts'

/** One file that is TOML. */
export interface Source {
  readonly file: string
  readonly table: Table
  readonly line: Locator
}

export interface Sources {
  readonly found: Found | undefined
  /** Every file that belongs to it, whether it can be parsed or not. */
  readonly files: readonly string[]
  /** Which state of them was read; absent without a configuration. */
  readonly revision: string | undefined
  readonly main: Source | undefined
  readonly parts: readonly Source[]
  readonly problems: readonly Problem[]
}

/** Reads the configuration that counts, with its conf.d. */
export function readSources(environment: Environment, flags: Flags): Sources {
  const found = findConfig(environment, flags)
  if (found === undefined)
    return {
      found,
      files: [],
      revision: undefined,
      main: undefined,
      parts: [],
      problems: [],
    }
  const problems: Problem[] = []
  const parse = (file: string, bytes: Buffer): Source | undefined => {
    const parsed = parseToml(file, bytes)
    if (parsed.ok) return { file, table: parsed.table, line: locator(parsed.text) }
    problems.push(parsed.problem)
    return undefined
  }
  const main = parse(found.file, found.bytes)
  const folder = partsFolder(found.file)
  const stamps = [found.stamp, stampOf(folder)]
  const names = partNames(folder)
  const parts = names.map((file) => {
    stamps.push(stampOf(file))
    return parse(file, readPart(file))
  })
  return {
    found,
    files: [found.file, ...names],
    revision: joinStamps(stamps),
    main,
    parts: parts.filter((part) => part !== undefined),
    problems,
  }
}

function partNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.toml') && !name.startsWith('.'))
      .toSorted()
      .map((name) => join(folder, name))
  } catch (error) {
    if (isMissing(error)) return []
    throw unreadable(folder, error)
  }
}

function readPart(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The place of an option in a file. */
export function placeOf({ file, line }: Source, option: Path): Place {
  return { file, line: line(option), option }
}

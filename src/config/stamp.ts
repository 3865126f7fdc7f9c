/**
 * stamp - tells whether a configuration file is still the one that was read.
 *
 * By what the file system says of it, not by the clock, which may step. The time of change is
 * part of it: no copying and no renaming brings an old one back. Cheap to import.
 */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The stamp of a file or folder as it is now; `-` where there is none. */
export function stampOf(file: string): string {
  const entry = statSync(file, { bigint: true, throwIfNoEntry: false })
  return entry === undefined ? '-' : `${entry.ino}.${entry.size}.${entry.ctimeNs}`
}

/** The folder of the further files of a configuration. */
export function partsFolder(configFile: string): string {
  return join(dirname(configFile), 'conf.d')
}

/** The stamps of a configuration: of msgq.toml, of conf.d, of each file in it. */
export function revisionOf(files: readonly string[]): string {
  const [main, ...parts] = files
  return main === undefined
    ? ''
    : joinStamps([main, partsFolder(main), ...parts].map(stampOf))
}

/** One text out of the stamps of a configuration, in the order of `revisionOf`. */
export function joinStamps(stamps: readonly string[]): string {
  return stamps.join(' ')
}

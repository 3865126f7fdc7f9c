/**
 * dependencies - the packages of npm that msgq needs where it runs, and what their authors allow.
 *
 * package-lock.json says which; what lies in node_modules has to be exactly that, or it throws.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

interface Locked {
  readonly version: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly peer?: boolean
}

export interface Dependency {
  readonly name: string
  readonly version: string
  /** Below the checkout, and below the package that is made: node_modules/undici. */
  readonly path: string
  readonly licence: string
}

/** What is loaded, and what its licence asks to be kept. */
const KEPT = /\.(?:[cm]?js|json|wasm)$|(?:^|\/)(?:licen[cs]e|notice|copying)[^/]*$/i
/** What authors publish beside their programs. */
const LEFT_OUT =
  /^(?:benchmarks?|build|docs?|examples?|scripts|tests?|types|\.github|node_modules)(?:\/|$)/
const LICENCE_FILE = /^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i

/** Every dependency where msgq runs, at the version that it was tested with. */
export function dependencies(root: string): readonly Dependency[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  return Object.entries(lock.packages)
    .filter(
      ([path, it]) => path !== '' && !it.dev && !it.devOptional && !it.optional && !it.peer,
    )
    .map(([path, { version }]) => {
      const file = join(root, path, 'package.json')
      const own = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
      if (own['version'] !== version)
        throw new Error(`${path} is ${own['version']}, not ${version}: run npm ci`)
      return { name: own['name']!, version, path, licence: own['license'] ?? 'unknown' }
    })
}

/** Copies what is loaded of every dependency below `to`. */
export function copyDependencies(root: string, to: string): void {
  for (const { path } of dependencies(root)) {
    const from = join(root, path)
    mkdirSync(join(to, path), { recursive: true })
    for (const name of filesOf(from))
      if (KEPT.test(name) && !LEFT_OUT.test(name))
        cpSync(join(from, name), join(to, path, name), { dereference: true })
  }
}

/** What Debian's copyright file says of them: a paragraph each. */
export function licences(root: string): string {
  return dependencies(root)
    .map(({ name, path, licence }) => {
      const [file] = readdirSync(join(root, path)).filter((it) => LICENCE_FILE.test(it))
      if (file === undefined) throw new Error(`${path} has no licence`)
      const terms = readFileSync(join(root, path, file), 'utf8').trim()
      const holders = [...terms.matchAll(/^\W*(?:copyright|©).*\d{4}.*$/gim)]
        .map(([line]) => line.replace(/^\W*copyright\s*(?:\(c\)|©)?\s*/i, '').trim())
        .map((line) => line.replace(/^\(c\)\s*/i, ''))
      const holder = holders.length > 0 ? holders : ['its contributors']
      return [
        `Files: usr/lib/msgq/${path}/*`,
        `Copyright: ${holder.join('\n           ')}`,
        `License: ${licence}-${name.replace(/^@/, '').replace('/', '-')}`,
        terms
          .split('\n')
          .map((line) => ` ${line.trimEnd() || '.'}`)
          .join('\n'),
        '',
      ].join('\n')
    })
    .join('\n')
    .concat('\n')
}

/** The paths below a folder, of files alone. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

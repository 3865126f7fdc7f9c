/**
 * packages - the peers' own npm packages: not ours, so they lie in .bench/peers and are installed
 * there on demand, in the versions that the figures are from.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const FOLDER = resolve('.bench/peers')
const VERSIONS = ['bullmq@6.7.0', 'ioredis@6.0.0', 'graphile-worker@0.16.6']

/** What to do about a package that is not there. */
export const INSTALL = 'npm run bench:peers -- --install'

/** Installs all of them. */
export function installPackages(): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }\n')
  const words = ['install', '--save-exact', '--no-audit', '--no-fund', '--ignore-scripts']
  execFileSync('npm', [...words, ...VERSIONS], { cwd: FOLDER, stdio: 'inherit' })
}

export function hasPackage(name: string): boolean {
  return existsSync(join(FOLDER, 'node_modules', name))
}

/** Loads one; its types are not ours to have. */
export function load<T>(name: string): T {
  return createRequire(join(FOLDER, 'package.json'))(name) as T
}

/**
 * machine - a machine of its own for each test: home, /etc, /var and a package in one folder.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Environment } from '../../src/config/find.ts'

/** The machine in a folder. */
export function machine(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Environment {
  return {
    env,
    home: join(folder, 'home'),
    packageRoot: join(folder, 'package'),
    etc: join(folder, 'etc'),
    var: join(folder, 'var'),
  }
}

/** Writes a file with the folders above it, and gives its name back. */
export function put(file: string, text: string | Uint8Array): string {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

/** Runs something as a user who is not root: root may read everything. */
export async function asNobody<T>(act: () => T | Promise<T>): Promise<T> {
  if (process.getuid!() !== 0) return act()
  process.seteuid!(65534)
  try {
    return await act()
  } finally {
    process.seteuid!(0)
  }
}

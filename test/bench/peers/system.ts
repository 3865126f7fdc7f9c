/**
 * system - programs of the system that a peer consists of: where they are, a free port for
 * them, and the CPU that they and their children use.
 */
import { execFileSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'

import { until } from '../daemon.ts'

/** Where a program is; also where only root looks, and in folders that are named. */
export function find(program: string, more: readonly string[] = []): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter)
  const folders = [...path, '/usr/sbin', '/sbin', ...more]
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file))
}

/** User and group of a name, for a service that refuses to be root. */
export function userOf(name: string): { uid: number; gid: number } {
  const ask = (what: string) => Number(execFileSync('id', [what, name]))
  return { uid: ask('-u'), gid: ask('-g') }
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Resolves once a program listens there; throws when it has ended instead. */
export function listening(port: number, child: ChildProcess): Promise<void> {
  const answers = () =>
    new Promise<boolean>((resolve, reject) => {
      const { exitCode, spawnfile } = child
      if (exitCode !== null) reject(new Error(`${spawnfile} ended with ${exitCode}`))
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
  return until(`${child.spawnfile} listens on port ${port}`, answers, 25)
}

/** CPU seconds of programs and of all that they started, also of what has ended since. */
export function cpuOfTree(roots: readonly number[]): number {
  const all = new Map<number, { parent: number; cpu: number }>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      const ticks = [11, 12, 13, 14].reduce((sum, n) => sum + Number(fields[n]), 0)
      all.set(Number(pid), { parent: Number(fields[1]), cpu: ticks / 100 })
    } catch {
      // It has ended meanwhile, and its parent counts it.
    }
  let sum = 0
  const wanted = new Set(roots)
  // A child may have a smaller number than its parent.
  for (let grown = true; grown;) {
    grown = false
    for (const [pid, { parent }] of all)
      if (wanted.has(parent) && !wanted.has(pid)) {
        wanted.add(pid)
        grown = true
      }
  }
  for (const pid of wanted) sum += all.get(pid)?.cpu ?? 0
  return sum
}

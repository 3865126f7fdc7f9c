/**
 * run - the folder run/ of a spool: sockets under paths that bind(2) takes.
 */
import { closeSync, constants, openSync } from 'node:fs'

import { removeSync } from '../../base/durable.ts'
import { Layout } from './layout.ts'

/** sun_path has 108 bytes, the last a NUL. */
const LONGEST = 107

/** A path to a socket for as long as it is not released. */
export interface SocketPath {
  readonly path: string
  release(): void
}

/** The path of a socket in run/; one that is too long goes through a descriptor of the folder. */
export function socketPath(spool: string, name: string): SocketPath {
  const layout = new Layout(spool)
  const plain = layout.run(name)
  if (Buffer.byteLength(plain) <= LONGEST) return { path: plain, release: () => {} }
  const fd = openSync(layout.run(''), constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => closeSync(fd) }
}

/** Removes the socket that a dead daemon left. Only who holds the lock may call it. */
export function removeSocket(spool: string, name: string): void {
  removeSync(new Layout(spool).run(name))
}

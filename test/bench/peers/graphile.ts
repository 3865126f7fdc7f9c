/**
 * graphile - graphile-worker on a PostgreSQL of its own, with its defaults: fsync and
 * synchronous_commit are on.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { end, start } from '../children.ts'
import { until } from '../daemon.ts'
import { BODY, scratch } from '../ground.ts'
import { measure } from './measure.ts'
import { INSTALL, hasPackage, load } from './packages.ts'
import { SENDERS, WIDTH } from './peer.ts'
import type { Peer } from './peer.ts'
import { find, freePort, listening, userOf } from './system.ts'

const NAME = 'graphile-worker + PostgreSQL'
/** Where Debian keeps what is not for everybody's PATH. */
const VERSIONS = '/usr/lib/postgresql'

/** What we use of it, and of its client of PostgreSQL. */
interface Graphile {
  Logger: new (factory: () => () => void) => unknown
  makeWorkerUtils(options: unknown): Promise<{
    migrate(): Promise<void>
    addJob(name: string, data: unknown): Promise<unknown>
    release(): Promise<void>
  }>
}

interface Postgres {
  Pool: new (options: unknown) => {
    on(event: 'error', listener: () => void): void
    query(text: string): Promise<unknown>
    end(): Promise<void>
  }
}

export const graphile: Peer = {
  name: NAME,
  missing: () => {
    if (program('initdb') === undefined) return 'PostgreSQL (Debian: postgresql)'
    return hasPackage('graphile-worker') ? undefined : `graphile-worker (${INSTALL})`
  },
  measure: async (count) => {
    const folder = scratch()
    const port = await freePort()
    // It refuses to be root.
    const user = process.getuid?.() === 0 ? userOf('postgres') : undefined
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    chmodSync(folder, 0o755)
    const data = join(folder, 'data')
    const words = ['-D', data, '-A', 'trust', '-U', 'postgres']
    execFileSync(program('initdb')!, words, { ...user, cwd: folder, stdio: 'pipe' })
    const at = ['-D', data, '-p', String(port), '-k', '', '-h', '127.0.0.1']
    const server = start(program('postgres')!, [...at, '-c', 'shared_buffers=256MB'], {
      ...user,
      cwd: folder,
      stdio: 'ignore',
    })
    await listening(port, server)
    const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`
    const { Logger, makeWorkerUtils } = load<Graphile>('graphile-worker')
    const { Pool } = load<Postgres>('pg')
    const pgPool = new Pool({ connectionString, max: SENDERS })
    // When the server goes first.
    pgPool.on('error', () => {})
    // It listens before it serves.
    const serves = () =>
      pgPool.query('select 1').then(
        () => true,
        () => false,
      )
    await until('PostgreSQL serves', serves, 25)
    const logger = new Logger(() => () => {})
    const utils = await makeWorkerUtils({ pgPool, logger })
    await utils.migrate()
    const body = BODY.toString()
    let consumer: ReturnType<typeof start> | undefined
    return measure(
      NAME,
      {
        enqueue: (url) => utils.addJob('deliver', { url, body }),
        deliver: async () => {
          const script = resolve('test/bench/peers/deliver-graphile.mjs')
          const args = [script, connectionString, String(WIDTH)]
          consumer = start(process.execPath, args, {
            stdio: ['ignore', 'ignore', 'inherit'],
          })
        },
        pids: () => [server.pid!, consumer!.pid!],
        stop: async () => {
          await end(consumer!)
          await utils.release()
          await pgPool.end()
          await end(server, 'SIGINT')
        },
      },
      count,
    )
  },
}

function program(name: string): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : []
  return find(
    name,
    versions.map((version) => join(VERSIONS, version, 'bin')),
  )
}

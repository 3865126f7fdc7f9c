/**
 * doors - a daemon in this process with its real sockets, in a spool whose paths are short.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { systemEnvironment } from '../../src/config/find.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import { openIntake } from '../../src/daemon/intake.ts'
import type { IntakeServer } from '../../src/intake/server.ts'
import { Diary } from '../delivery/support.ts'

export interface Doors {
  readonly daemon: Daemon
  readonly server: IntakeServer
  readonly folder: string
  readonly configFile: string
  readonly submit: string
  readonly control: string
  /** The port, where `[listen] http` has one. */
  readonly port: number
}

/** `below` is where the spool shall lie, for a disk of its own. */
export async function openDoors(
  t: Test,
  toml: string,
  below: string = tmpdir(),
): Promise<Doors> {
  const folder = mkdtempSync(join(below, 'msgq-'))
  const configFile = join(folder, 'msgq.toml')
  writeFileSync(
    configFile,
    `spool = "spool"\nany_filesystem = true\n[send]\nmin_free = "0"\n${toml}`,
  )
  const config = loadConfig({ ...systemEnvironment(), env: {} }, { config: configFile })
  const log = new Diary()
  const daemon = await Daemon.start({
    config,
    clock: systemClock,
    log,
    env: {},
    onFenced: () => {},
  })
  const reload = async () => ({ status: 200, body: {} })
  const server = await openIntake(daemon, config, { reload, log, env: {} })
  await daemon.run()
  t.teardown(async () => {
    await server.close(0)
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const [submit, control] = ['submit', 'control'].map((door) =>
    join(config.spool, 'run', `${door}.sock`),
  ) as [string, string]
  return { daemon, server, folder, configFile, submit, control, port: server.ports[0] ?? 0 }
}

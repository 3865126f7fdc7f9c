/**
 * configure - a daemon that gets another configuration says what counts only after a restart.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import { systemEnvironment } from '../../src/config/find.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import { Diary } from '../delivery/support.ts'

t.test('what needs a restart is named, and nothing else', async (t) => {
  const file = join(t.testdir({}), 'msgq.toml')
  const load = (toml: string) => {
    writeFileSync(file, `spool = "spool"\nany_filesystem = true\n${toml}`)
    return loadConfig(systemEnvironment(), { config: file })
  }
  const daemon = await Daemon.start({
    config: load(''),
    clock: systemClock,
    log: new Diary(),
    env: {},
    onFenced: () => {},
  })
  t.teardown(() => daemon.stop())
  const needs = async (toml: string) => (await daemon.configure(load(toml))).needsRestart
  t.strictSame(await needs(''), [])
  t.strictSame(await needs('[keys]\nwindow = "2d"\n'), ['keys'])
  t.strictSame(await needs('[keys]\nwindow = "2d"\n'), ['keys'], 'until it was restarted')
  t.strictSame(await needs(''), [], 'or has again what it was started with')
  t.strictSame(await needs('[submit]\nshared = true\n'), ['submit'])
  t.strictSame(await needs('[log]\nlevel = "debug"\n'), ['log'])
  t.strictSame(await needs('[retry]\nmin = "1s"\n[lane]\nrate = "9/s"\n'), [])
})

/**
 * main - the program msgqd: a daemon in the foreground, for systemd or a terminal.
 *
 * SIGTERM and SIGINT finish what is on the wire, a second one ends it at once; SIGHUP reloads.
 * Exit codes are sysexits': 78 for a configuration that cannot be used, 75 when another daemon
 * has the spool or took it over.
 */
import { Command, CommanderError } from 'commander'

import { systemClock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { EXIT_CODES, MsgqError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/config.ts'
import { systemEnvironment } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import { leadsToJournal } from '../config/journal-stream.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import type { Log } from '../delivery/log.ts'
import type { Answer } from './control.ts'
import { Daemon } from './daemon.ts'
import { Glance } from './glance.ts'
import { openIntake } from './intake.ts'
import { openLog } from './log.ts'
import { createNotifier } from './systemd.ts'
import type { Notifier } from './systemd.ts'

/** For what is asked over HTTP when the stop comes (ms). */
const STOP_PATIENCE = 5_000

interface Options extends Flags {
  readonly once?: boolean
}

/** Runs msgqd with these arguments until it ends; resolves with its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = newProgram()
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  try {
    program.parse([...argv], { from: 'user' })
    return await run(program.opts<Options>())
  } catch (error) {
    return complain(error)
  }
}

/** The program, for its options and its manual. */
export function newProgram(): Command {
  return new Command('msgqd')
    .description('Delivers what lies in a spool, until it is stopped.')
    .option('-c, --config <file>', 'configuration file (default: see msgq config)')
    .option('--spool <dir>', 'spool folder')
    .option('--once', 'deliver what is due now, then exit')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', HELP)
}

const HELP = `
Signals: TERM, INT stop (twice: at once)  HUP reload the configuration
Exit: 0 stopped or, with --once, done  64 usage  69 a port of [listen] is taken
73, 77 the spool cannot be used  75 it is served by another msgqd  78 the configuration cannot be used`

function complain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const what = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    warn(what, 'msgqd --help')
    return EXIT_CODES.usage
  }
  if (!(error instanceof MsgqError)) throw error
  const all = error instanceof ConfigError ? error.problems : [error]
  for (const { message, hint } of all) warn(message, hint)
  return error.exitCode
}

function warn(line: string, hint?: string): void {
  process.stderr.write(`msgqd: ${line}\n`)
  if (hint !== undefined) process.stderr.write(`  hint: ${hint}\n`)
}

async function run(options: Options): Promise<number> {
  const { env } = process
  const load = () => loadConfig(systemEnvironment(), options)
  const config = load()
  const journal = leadsToJournal(env)
  const log = openLog({ ...config.log, journal, stdout: process.stdout })
  const notifier = createNotifier(env, (trouble) => {
    log.write('warn', { event: 'systemd' }, trouble)
  })
  let end!: (code: number) => void
  const ended = new Promise<number>((resolve) => {
    end = resolve
  })
  const daemon = await Daemon.start({
    config,
    clock: systemClock,
    log,
    env,
    onFenced: (error) => {
      log.write('error', { event: 'fenced' }, error.message)
      daemon.abort()
      end(error.exitCode)
    },
  })
  try {
    return options.once
      ? await once(daemon, ended)
      : await serve(daemon, config, { load, log, notifier, end, ended })
  } catch (error) {
    // Who cannot serve the spool must not keep it from the next one.
    await daemon.stop().catch(() => {})
    throw error
  }
}

async function once(daemon: Daemon, ended: Promise<number>): Promise<number> {
  const stop = () => daemon.abort()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  const code = await Promise.race([daemon.runOnce().then(() => 0), ended])
  await daemon.stop()
  return code
}

interface Surroundings {
  readonly load: () => Config
  readonly log: Log
  readonly notifier: Notifier
  readonly end: (code: number) => void
  readonly ended: Promise<number>
}

async function serve(
  daemon: Daemon,
  config: Config,
  around: Surroundings,
): Promise<number> {
  const { log, notifier, end, ended } = around
  const glance = new Glance({
    clock: systemClock,
    seen: () => daemon.status(),
    count: () => daemon.count(),
    tell: (text) => notifier.status(text),
  })
  const reload = () => reloadInto(daemon, around, glance)
  const intake = await openIntake(daemon, config, { reload, log, env: process.env })
  process.on('SIGHUP', () => void reload())
  const stop = () => {
    notifier.stopping(daemon.stopTakes())
    end(0)
    process.off('SIGTERM', stop).off('SIGINT', stop)
    process.on('SIGTERM', now).on('SIGINT', now)
  }
  const now = () => daemon.abort()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  await daemon.run()
  notifier.ready(`serving ${config.spool}`)
  const endWatchdog = notifier.startWatchdog(() => daemon.alive())
  if (process.env['NOTIFY_SOCKET'] !== undefined) glance.start()

  const code = await ended
  glance.stop()
  await intake.close(STOP_PATIENCE)
  await daemon.stop()
  endWatchdog()
  log.write('info', { event: 'stopped' }, 'stopped')
  return code
}

/** Loads the configuration anew; a bad one is said and leaves the one in force. */
async function reloadInto(
  daemon: Daemon,
  { load, log, notifier }: Surroundings,
  glance: Glance,
): Promise<Answer> {
  notifier.reloading()
  try {
    const config = load()
    const { newLanes, needsRestart } = await daemon.configure(config)
    const restart =
      needsRestart.length === 0 ? '' : `; needs a restart: ${needsRestart.join(', ')}`
    log.write('info', { event: 'reload', newLanes }, `configuration reloaded${restart}`)
    const { files, warnings } = config
    return { status: 200, body: { files, newLanes, needsRestart, warnings } }
  } catch (error) {
    const problems =
      error instanceof ConfigError
        ? error.problems.map((problem) => problem.message)
        : [plainError(error)]
    for (const problem of problems) log.write('error', { event: 'reload' }, problem)
    return { status: 422, body: { problems } }
  } finally {
    notifier.ready(glance.text())
  }
}

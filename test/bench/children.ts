/**
 * children - the programs that a row starts, which end with it: also when it fails, and when the
 * bench is interrupted.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

const living = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** The environment of all of them: what makes each start of Node slower is taken out. */
export function environment(): NodeJS.ProcessEnv {
  const {
    NODE_EXTRA_CA_CERTS: _,
    NODE_OPTIONS: __,
    // That of a program which enqueues many at once, as the bench itself does.
    UV_THREADPOOL_SIZE: ___,
    ...env
  } = process.env
  return { ...env, MSGQ_ANY_FILESYSTEM: '1' }
}

/** Starts a program; it lives no longer than the bench. */
export function start(
  program: string,
  words: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn(program, words, { env: environment(), ...options })
  living.add(child)
  child.once('exit', () => living.delete(child))
  child.once('error', () => living.delete(child))
  return child
}

/** Ends one, by force if it does not end within so many ms; resolves once it has. */
export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
  patience = 20_000,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  await ended
  clearTimeout(timer)
}

/** Ends what a row left behind. */
export async function endAll(): Promise<void> {
  await Promise.all([...living].map((child) => end(child, 'SIGKILL')))
}

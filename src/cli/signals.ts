/**
 * signals - HUP, INT and TERM while something is under way that should end in a known way.
 *
 * Nothing is caught while a command reads or waits: the signal ends it, the shell says 128+n,
 * and nothing was queued. A second signal always ends the command.
 */
import { constants } from 'node:os'

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** Does what takes no time and must be known to have happened or not, signals or none. */
export async function shielded<T>(act: () => Promise<T>): Promise<T> {
  const stop = onSignal(() => {})
  try {
    return await act()
  } finally {
    stop()
  }
}

/** Calls back once, with the exit code 128+n, at the first signal; returns what ends that. */
export function onSignal(heard: (exitCode: number) => void): () => void {
  const listener = (signal: NodeJS.Signals) => {
    stop()
    heard(128 + constants.signals[signal])
  }
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, listener)
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return stop
}

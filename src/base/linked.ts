/**
 * linked - one signal out of several, for as long as somebody needs it.
 *
 * In place of AbortSignal.any, which leaves something of each call in every signal that lives on,
 * for ever (Node.js 20): a daemon that makes one for each request grows by each request.
 */
import { setMaxListeners } from 'node:events'

export interface Linked {
  /** Aborts with the first of them, for the same reason. */
  readonly signal: AbortSignal
  /** Nobody needs it any more: nothing of it stays in the others. */
  readonly release: () => void
}

export function linked(...sources: readonly AbortSignal[]): Linked {
  const own = new AbortController()
  const release = () => {
    for (const source of sources) source.removeEventListener('abort', abort)
  }
  const abort = () => {
    release()
    own.abort(sources.find(({ aborted }) => aborted)?.reason)
  }
  // As many may listen as there are requests: each lets go.
  setMaxListeners(0, ...sources)
  for (const source of sources) source.addEventListener('abort', abort)
  if (sources.some(({ aborted }) => aborted)) abort()
  return { signal: own.signal, release }
}

/**
 * undici - the parts of undici that a delivery needs.
 *
 * Its index loads fetch, WebSocket, caches and mocks besides: a fifth of the CPU of a daemon's
 * start, and 9 MB for as long as it runs. undici promises no path inside itself: a version that
 * has these elsewhere is loaded whole.
 */
import { createRequire } from 'node:module'

import type * as undici from 'undici'

export const { Pool, buildConnector, errors } = parts()

function parts(): Pick<typeof undici, 'Pool' | 'buildConnector' | 'errors'> {
  const load = createRequire(import.meta.url)
  try {
    return {
      Pool: load('undici/lib/dispatcher/pool.js'),
      buildConnector: load('undici/lib/core/connect.js'),
      errors: load('undici/lib/core/errors.js'),
    }
  } catch {
    return load('undici') as typeof undici
  }
}

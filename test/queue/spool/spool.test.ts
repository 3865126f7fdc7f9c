import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Lock } from '../../../src/queue/spool/lock.ts'
import { SpoolEngine } from '../../../src/queue/spool/spool.ts'
import type { Ownership, SpoolOptions } from '../../../src/queue/spool/spool.ts'
import { conformance } from '../conformance.ts'
import { STATES } from '../../../src/message/state.ts'

let folders = 0

conformance('file spool', async ({ clock, ids, keyWindow, report }) => {
  const root = join(t.testdir(), `spool-${folders++}`)
  let lock: Lock | undefined
  const open: SpoolOptions = {
    clock,
    report,
    keyWindow,
    nextId: ids,
    create: true,
    anyFilesystem: true,
    // A killed daemon believes to its end that it owns the spool.
    takeLock: async (layout, at): Promise<Ownership> => {
      const taken = await Lock.take(layout, at)
      lock = taken
      const release = async () => {
        if (lock === taken) lock = undefined
        await taken.release()
      }
      return { held: () => true, release }
    },
  }
  let engine = new SpoolEngine(root, open)
  return {
    engine,
    async reopen(crash) {
      if (crash) {
        await lock?.release()
        lock = undefined
      } else await engine.close()
      engine = new SpoolEngine(root, open)
      return engine
    },
    join: async () => new SpoolEngine(root, open),
    damage: async (id) => damage(root, id),
    dispose: () => engine.close(),
  }
})

/** Changes the first byte of the body of a message, wherever it is. */
function damage(root: string, id: string): void {
  for (const state of STATES)
    for (const file of readdirSync(join(root, state))) {
      if (!file.includes(id)) continue
      const path = join(root, state, file)
      const bytes = readFileSync(path)
      bytes[bytes.indexOf(0x0a) + 1]! ^= 0xff
      writeFileSync(path, bytes)
    }
}

import { conformance } from './conformance.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryEngine } from './memory.ts'

conformance('memory', async (options) => {
  const store = new MemoryStore()
  let engine = new MemoryEngine(store, options)
  return {
    engine,
    async reopen(crash) {
      if (crash) store.owner = undefined
      else await engine.close()
      engine = new MemoryEngine(store, options)
      return engine
    },
    join: async () => new MemoryEngine(store, options),
    damage: async (id) => store.damage(id),
    dispose: () => engine.close(),
  }
})

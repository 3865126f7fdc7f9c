/**
 * chains - the scenario of a message that held up its chain for too long, and is passed.
 */
import type { Scenario } from './scenario.ts'

export const CHAINS: readonly Scenario[] = [
  {
    name: 'passed by its chain',
    // Its own trouble: in an outage nobody passes.
    answer: 500,
    prepare: async (ground) => {
      const chat = `[destinations.chat]\ntype = "http"\nurl = "${ground.receiver.url}/mark-1"\n`
      ground.configure({ more: `${chat}order_wait = "0s"\n` })
      await ground.makeSpool()
      await ground.accept('mark-1', { to: 'chat', order: 'ann' })
    },
    command: () => ({ program: 'msgqd', words: ['--once'] }),
    story: { 'mark-1': ['deferred'] },
    ends: { 'mark-1': ['delivered'] },
  },
]

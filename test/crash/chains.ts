/**
 * chains - the scenario of a message that held up its chain for too long, and is passed.
 */
import type { Scenario } from './scenario.ts'

export const CHAINS: readonly Scenario[] = [
  {
    name: 'passed by its chain',
    prepare: async (ground) => {
      ground.receiver.answers.set('mark-1', [500, 500])
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

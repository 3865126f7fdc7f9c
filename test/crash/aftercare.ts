/**
 * aftercare - the scenarios of what is made of a message that bounced: a notice, and a copy.
 *
 * Each is a message of its own, by the path of the URL that it goes to, and must arrive: under
 * one id, whatever was struck.
 */
import type { Ground } from './ground.ts'
import type { Scenario } from './scenario.ts'

const ONCE = () => ({ program: 'msgqd', words: ['--once'] }) as const

async function arrived(ground: Ground): Promise<void> {
  const { receiver } = ground
  if (receiver.idsOf('mark-2').length === 0)
    throw new Error(`nobody heard of it: ${(await ground.msgq('mailq')).out}`)
}

export const AFTERCARE: readonly Scenario[] = [
  {
    name: 'notice',
    prepare: async (ground) => {
      const { receiver } = ground
      receiver.answers.set('mark-1', [400, 400, 400])
      receiver.free.add('mark-2')
      const more = `[bounce]\nnotify = "${receiver.url}/mark-2"\n`
      ground.configure({ more })
      await ground.makeSpool()
      await ground.accept('mark-1')
    },
    command: ONCE,
    after: arrived,
    ends: { 'mark-1': ['bounce'], 'mark-2': ['delivered'] },
  },
  {
    name: 'fallback',
    prepare: async (ground) => {
      const { receiver } = ground
      receiver.answers.set('mark-1', [400, 400, 400])
      const to = `fallback = { to = "${receiver.url}/mark-2" }`
      const crm = `[destinations.crm]\ntype = "http"\nurl = "${receiver.url}/mark-1"\n`
      ground.configure({ more: `${crm}${to}\n` })
      await ground.makeSpool()
      // Its key is its own, and tells the two apart.
      await ground.accept('mark-1', { to: 'crm', subject: '', key: 'mark-1' })
    },
    command: ONCE,
    after: arrived,
    ends: { 'mark-1': ['bounce'], 'mark-2': ['delivered'] },
  },
]

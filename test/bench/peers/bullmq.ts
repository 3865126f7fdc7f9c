/**
 * bullmq - BullMQ on a Redis of its own that fsyncs each write (appendfsync always).
 */
import { resolve } from 'node:path'

import { end, start } from '../children.ts'
import { BODY, scratch } from '../ground.ts'
import { measure } from './measure.ts'
import { INSTALL, hasPackage, load } from './packages.ts'
import { WIDTH } from './peer.ts'
import type { Peer } from './peer.ts'
import { find, freePort, listening } from './system.ts'

const NAME = 'BullMQ + Redis'

/** What we use of it. */
interface BullMq {
  Queue: new (
    name: string,
    options: unknown,
  ) => {
    waitUntilReady(): Promise<unknown>
    add(name: string, data: unknown): Promise<unknown>
    close(): Promise<void>
  }
}

export const bullmq: Peer = {
  name: NAME,
  missing: () => {
    if (find('redis-server') === undefined) return 'redis-server (Debian: redis-server)'
    return hasPackage('bullmq') ? undefined : `bullmq (${INSTALL})`
  },
  measure: async (count) => {
    const port = await freePort()
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', scratch()]
    const durably = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
    const server = start(find('redis-server')!, [...words, ...durably], { stdio: 'ignore' })
    await listening(port, server)
    const { Queue } = load<BullMq>('bullmq')
    const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
    const defaultJobOptions = { removeOnComplete: true }
    const queue = new Queue('bench', { connection, defaultJobOptions })
    await queue.waitUntilReady()
    const body = BODY.toString()
    let consumer: ReturnType<typeof start> | undefined
    return measure(
      NAME,
      {
        enqueue: (url) => queue.add('message', { url, body }),
        deliver: async () => {
          const script = resolve('test/bench/peers/deliver-bullmq.mjs')
          consumer = start(process.execPath, [script, String(port), String(WIDTH)], {
            stdio: ['ignore', 'ignore', 'inherit'],
          })
        },
        pids: () => [server.pid!, consumer!.pid!],
        stop: async () => {
          await end(consumer!)
          await queue.close()
          await end(server)
        },
      },
      count,
    )
  },
}

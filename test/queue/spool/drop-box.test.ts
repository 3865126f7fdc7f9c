/** drop-box - a sender who may not open incoming/ promises nothing that is not on the disk. */
import { chmodSync, existsSync, renameSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'

import t from 'tap'

import * as durable from '../../../src/base/durable.ts'
import type { Publisher } from '../../../src/queue/spool/publish.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { NEEDS_ROOT, give } from './yard.ts'

void t.test(
  'the file is synced after its rename, also when the daemon has taken it already',
  { skip: NEEDS_ROOT },
  async (t) => {
    const layout = new Layout(join(t.testdir({ spool: {} }), 'spool'))
    layout.make()
    give(layout.root, 65_533)
    chmodSync(layout.root, 0o751)
    chmodSync(layout.folder('incoming'), 0o3733)
    const target = layout.file('incoming', 'name')
    const taken = `${layout.root}/taken`
    let synced = 0
    let failing = false
    const { Publisher: Loaded } = await t.mockImport<{ Publisher: typeof Publisher }>(
      '../../../src/queue/spool/publish.ts',
      {
        '../../../src/base/durable.ts': {
          ...durable,
          // The daemon is quick.
          renameFile: async (from: string, to: string) => {
            await durable.renameFile(from, to)
            process.seteuid!(0)
            if (!failing) renameSync(to, taken)
            process.seteuid!(65_534)
          },
        },
        'node:fs/promises': {
          ...promises,
          open: async (path: string, flags: number) => {
            const file = await promises.open(path, flags)
            const sync = file.sync.bind(file)
            file.sync = async () => {
              t.ok(existsSync(taken) || existsSync(target), 'not before the rename')
              if (failing) throw Object.assign(new Error('i/o'), { code: 'EIO' })
              synced++
              await sync()
            }
            return file
          },
        },
      },
    )
    const publisher = new Loaded(layout)
    process.seteuid!(65_534)
    try {
      await publisher.publish('id', 'name', '{}', Buffer.from('body'))
      t.equal(synced, 1)
      failing = true
      await t.rejects(publisher.publish('id', 'name', '{}', Buffer.from('x')), {
        code: 'temporary',
      })
      t.notOk(existsSync(target), 'what may not last is taken back')
    } finally {
      process.seteuid!(0)
    }
  },
)

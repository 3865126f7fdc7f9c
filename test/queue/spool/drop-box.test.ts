/** drop-box - a sender who may not open incoming/ promises nothing that is not on the disk. */
import { chmodSync, existsSync, renameSync } from 'node:fs'
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
    let renamed = false
    let synced = 0
    let failing = false
    const { Publisher: Loaded } = await t.mockImport<{ Publisher: typeof Publisher }>(
      '../../../src/queue/spool/publish.ts',
      {
        '../../../src/base/durable.ts': {
          ...durable,
          DIRECT: {
            ...durable.DIRECT,
            sync: async (fd: number) => {
              if (renamed && failing) throw Object.assign(new Error('i/o'), { code: 'EIO' })
              if (renamed) synced++
              await durable.DIRECT.sync(fd)
            },
          },
          // The daemon is quick.
          renameFile: async (from: string, to: string) => {
            await durable.renameFile(from, to)
            renamed = true
            process.seteuid!(0)
            if (!failing) renameSync(to, taken)
            process.seteuid!(65_534)
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
      renamed = false
      await t.rejects(publisher.publish('id', 'name', '{}', Buffer.from('x')), {
        code: 'temporary',
      })
      t.ok(renamed)
      t.notOk(existsSync(target), 'what may not last is taken back')
    } finally {
      process.seteuid!(0)
    }
  },
)

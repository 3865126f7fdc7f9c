import { readdirSync, readFileSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import * as durable from '../../../src/base/durable.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { sealed } from './yard.ts'

type Publish = typeof import('../../../src/queue/spool/publish.ts')

/** A publisher whose disk does what the test says; all else is real. */
async function publisher(t: Test, disk: Partial<typeof durable> = {}) {
  const root = t.testdir({ incoming: {} })
  const { Publisher } = await t.mockImport<Publish>('../../../src/queue/spool/publish.ts', {
    '../../../src/base/durable.ts': { ...durable, ...disk },
  })
  const made = new Publisher(new Layout(root))
  return {
    root,
    files: () => readdirSync(join(root, 'incoming')),
    publish: (one = sealed()) => {
      const [line] = one.bytes.toString().split('\n')
      return made.publish(one.id, one.name, line!, Buffer.from('body'))
    },
  }
}

function fails(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(code), { code }))
}

void t.test('what is published is sealed, and alone', async (t) => {
  const { publish, files, root } = await publisher(t)
  const message = sealed()
  await publish(message)
  t.strictSame(files(), [message.name])
  t.ok(readFileSync(join(root, 'incoming', message.name)).equals(message.bytes))
})

void t.test(
  'alone it is written in place, and abreast with one sync for all',
  async (t) => {
    const used: durable.Calls[] = []
    const { publish } = await publisher(t, {
      writeStaged: (path, parts, calls = durable.POOLED) => {
        used.push(calls)
        return durable.writeStaged(path, parts, calls)
      },
    })
    await publish()
    await publish()
    t.strictSame(used, [durable.DIRECT, durable.DIRECT])
    used.length = 0
    await Promise.all([publish(), publish(), publish()])
    t.equal(used.length, 3)
    t.equal(new Set(used).size, 1)
    t.not(used[0], durable.DIRECT)
    t.not(used[0], durable.POOLED)
    used.length = 0
    const later = () => new Promise((resolve) => setTimeout(() => resolve(publish()), 5))
    const all = Promise.all([later(), later(), later()])
    // All of them are over when the loop looks next: they come in one turn.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    await all
    t.notOk(used.includes(durable.DIRECT), 'also when each comes by a timer of its own')
  },
)

void t.test('in this order: the bytes, their sync, the name, its sync', async (t) => {
  const steps: string[] = []
  const told =
    <A extends unknown[], R>(step: string, act: (...args: A) => R) =>
    (...args: A): R => {
      steps.push(step)
      return act(...args)
    }
  const { publish } = await publisher(t, {
    writeStaged: told('write and sync', durable.writeStaged),
    renameFile: told('rename', durable.renameFile) as typeof durable.renameFile,
    syncFolder: told('sync the folder', durable.syncFolder),
  })
  await publish()
  t.strictSame(steps, ['write and sync', 'rename', 'sync the folder'])
})

void t.test(
  'many at once share the sync of the folder, and none joins one under way',
  async (t) => {
    const begun: string[][] = []
    const { publish, files } = await publisher(t, {
      syncFolder: async (path) => {
        begun.push(readdirSync(path))
        await durable.syncFolder(path)
      },
    })
    const messages = Array.from({ length: 40 }, () => sealed())
    const late: string[] = []
    await Promise.all(
      messages.map(async (message) => {
        const before = begun.length
        await publish(message)
        if (!begun.slice(before).some((seen) => seen.includes(message.name)))
          late.push(message.id)
      }),
    )
    t.equal(files().length, 40)
    t.strictSame(late, [], 'for each a sync began after its name was there')
    t.ok(begun.length < 40, `${begun.length} syncs for 40 messages`)
  },
)

void t.test(
  'one sync that fails fails those who waited for it, and no others',
  async (t) => {
    let syncs = 0
    const { publish, files } = await publisher(t, {
      syncFolder: (path) => (syncs++ === 0 ? fails('EIO')() : durable.syncFolder(path)),
    })
    await t.rejects(publish(), { code: 'temporary', message: /input\/output error/ })
    t.strictSame(files(), [], 'its name is taken back')
    await t.resolves(publish())
  },
)

void t.test(
  'a name that may not last, and cannot be taken back, is no promise either way',
  async (t) => {
    const { publish } = await publisher(t, {
      syncFolder: fails('EIO'),
      removeFile: fails('EROFS') as unknown as typeof durable.removeFile,
    })
    const error = await publish().catch((error: unknown) => error)
    t.match(error, { message: /may be queued or not: input\/output error/ })
    t.equal((error as Error).name, 'UnsureError', 'a MsgqError says: nothing was queued')
  },
)

void t.test('what the daemon took before the sync failed may last or not', async (t) => {
  const { publish } = await publisher(t, {
    syncFolder: async (path) => {
      for (const file of readdirSync(path)) await unlink(join(path, file))
      return fails('EIO')()
    },
  })
  const error = await publish().catch((error: unknown) => error)
  t.equal((error as Error).name, 'UnsureError', 'no yes to what no sync made durable')
  t.match(error, { message: /may be queued or not: input\/output error/ })
})

void t.test('an id that is there is never written over', async (t) => {
  const { publish, files, root } = await publisher(t)
  const message = sealed()
  await publish(message)
  await t.rejects(publish({ ...message, bytes: Buffer.from('{}\n') }), {
    code: 'software',
    message: /is there already$/,
  })
  t.strictSame(files(), [message.name], 'and its staged file is gone')
  t.ok(readFileSync(join(root, 'incoming', message.name)).equals(message.bytes))
})

void t.test(
  'who takes so long that he is swept is told that nothing was queued',
  async (t) => {
    const { publish, files } = await publisher(t, {
      writeStaged: async (path, parts, calls) => {
        t.match(basename(path), /^\.01/)
        t.equal(basename(dirname(path)), 'incoming')
        await durable.writeStaged(path, parts, calls)
        await unlink(path)
      },
    })
    await t.rejects(publish(), {
      code: 'temporary',
      exitCode: 75,
      message: /was removed while/,
    })
    t.strictSame(files(), [])
  },
)

void t.test('a rename that fails leaves nothing', async (t) => {
  const { publish, files } = await publisher(t, {
    renameFile: fails('ENOSPC') as unknown as typeof durable.renameFile,
  })
  await t.rejects(publish(), { code: 'temporary', exitCode: 75 })
  t.strictSame(files(), [])
})

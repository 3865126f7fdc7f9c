import { statfsSync } from 'node:fs'

import t from 'tap'

import { cannotTrace } from '../crash/strace.ts'
import { Disk } from './disk.ts'
import { BROKEN, cutOnce } from './model.ts'
import { CUTS } from './scenarios.ts'
import { seeded, statesOf } from './states.ts'
import type { Step } from './trace.ts'

const SAMPLE = ['send', 'send --batch', 'deliver 4 at once', 'keyed', 'delete']
const MOST = 15
const SEED = 1
/** ext, xfs, btrfs, zfs: elsewhere each rename is synced at once, and there is little to cut. */
const JOURNALED = [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1]

const why = cannotTrace()
const named = (name: string) => CUTS.find((it) => it.name === name)!

t.test('a power cut after any call loses no message', { skip: why }, async (t) => {
  for (const name of SAMPLE)
    await t.test(name, async (t) => {
      const figures = await cutOnce(named(name), t.testdir(), MOST, SEED)
      t.ok(figures.states > 5, `${figures.states} states at ${figures.points} points`)
      t.same(figures.lost, [], 'no message is lost')
      t.same(figures.wrong, [], 'none is doubled, torn, or back')
      t.equal(figures.tornNamed, 0, 'no torn file has the name of a message')
    })
})

t.test(
  'the model finds what a sync that is left out would lose',
  { skip: why },
  async (t) => {
    const folder = t.testdir()
    const skip =
      !JOURNALED.includes(statfsSync(folder).type) && 'renames are synced one by one here'
    const [noFile, noFolder, noKeys] = BROKEN
    await t.test('of the file', async (t) => {
      const figures = await cutOnce(noFile!.of, folder, MOST, SEED, noFile!.forget)
      t.ok(figures.lost.length > 0, 'messages are lost')
      t.ok(figures.tornNamed > 0, 'torn files have names of messages')
      t.equal(figures.recognised, figures.tornNamed, 'and each is recognised')
    })
    await t.test('of the folder', { skip }, async (t) => {
      const figures = await cutOnce(noFolder!.of, folder, MOST, SEED, noFolder!.forget)
      t.ok(figures.lost.length > 0, 'messages are lost')
    })
    await t.test('of the keys', { skip }, async (t) => {
      const figures = await cutOnce(noKeys!.of, folder, 20 * MOST, SEED, noKeys!.forget)
      t.match(figures.wrong.join('\n'), 'mark-2 was leased, and repeats mark-1')
    })
  },
)

t.test('what the model takes away', async (t) => {
  const disk = new Disk()
  disk.put('a', undefined)
  disk.put('b', undefined)
  let n = 0
  const does = (step: object): void => {
    n += 2
    disk.apply({ begin: n, end: n + 1, at: n, ...step } as Step)
  }
  const seen = (): string[] =>
    [...statesOf(disk, 10_000, seeded(SEED))]
      .map((state) =>
        [...state]
          .filter(([, bytes]) => bytes !== undefined)
          .map(([path, bytes]) => `${path}=${bytes!.toString().replaceAll('\0', '0')}`)
          .join(' '),
      )
      .filter((state, at, all) => all.indexOf(state) === at)
      .toSorted()

  does({ kind: 'create', path: 'a/x' })
  does({ kind: 'append', path: 'a/x', bytes: Buffer.from('hey') })
  t.same(seen(), [
    '',
    'a/x=',
    'a/x=000',
    'a/x=h',
    'a/x=h00',
    'a/x=he',
    'a/x=he0',
    'a/x=hey',
  ])
  does({ kind: 'sync', path: 'a/x' })
  t.same(seen(), ['', 'a/x=hey'], 'an fsync of a file says nothing of its name')
  does({ kind: 'sync', path: 'a' })
  t.same(seen(), ['a/x=hey'], 'an fsync of its folder does')
  does({ kind: 'rename', path: 'a/x', to: 'b/x' })
  t.same(seen(), ['a/x=hey', 'b/x=hey'], 'a rename happens or not')
  does({ kind: 'sync', path: 'a' })
  t.same(seen(), ['b/x=hey'], 'an fsync of either folder is enough')
  does({ kind: 'create', path: 'a/y' })
  does({ kind: 'unlink', path: 'b/x' })
  t.same(seen(), ['', 'a/y=', 'b/x=hey', 'b/x=hey a/y='], 'in any combination')
})

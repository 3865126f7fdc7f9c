/**
 * suspended - the files of suspended lanes: what persons, crashes and disks make of them.
 */
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import { Layout } from '../../../src/queue/spool/layout.ts'
import { SuspendedFolder } from '../../../src/queue/spool/suspended.ts'
import { NO_PRLIMIT, withFileLimit } from './limits.ts'
import { NEEDS_ROOT, asPlainUser } from './yard.ts'

const AT = Date.parse('2026-11-20T12:00:00.000Z')

function open(t: Test, now = AT) {
  const layout = new Layout(join(t.testdir({ spool: {} }), 'spool'))
  layout.make()
  const clock = { now: () => now, monotonic: () => now }
  return { layout, folder: new SuspendedFolder(layout, clock), root: layout.suspended('') }
}

void t.test('a file says who, when, why and until when, and nobody else may', async (t) => {
  const { folder, root } = open(t)
  const end = { until: AT + 7_200_000 }
  await folder.suspend({ lane: 'crm', at: AT, by: 'ann', why: 'no money', ...end })
  t.strictSame(readdirSync(root), ['crm'])
  t.strictSame(JSON.parse(readFileSync(join(root, 'crm'), 'utf8')), {
    v: 1,
    lane: 'crm',
    at: '2026-11-20T12:00:00.000Z',
    by: 'ann',
    why: 'no money',
    until: '2026-11-20T14:00:00.000Z',
  })
  t.equal(statSync(join(root, 'crm')).mode & 0o777, 0o640)
})

void t.test('whatever a file says, it suspends its lane', async (t) => {
  const { folder, root } = open(t)
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc
          .record({
            lane: fc.constantFrom('crm', 'ops', 7),
            at: fc.constantFrom('2026-11-20T12:00:00Z', '', null),
            until: fc.constantFrom('never', 5, undefined),
            by: fc.anything(),
          })
          .map((it) => JSON.stringify(it)),
      ),
      async (text) => {
        writeFileSync(join(root, 'crm'), text)
        const [found, ...others] = await folder.suspensions()
        t.strictSame(others, [], text)
        t.match(found, { lane: 'crm', at: Number, until: undefined }, text)
      },
    ),
    { numRuns: 200 },
  )
})

void t.test('what is no lane is none', async (t) => {
  const { folder, root } = open(t)
  for (const name of ['crm.253', '=api.example.com_443.253', '.crm', 'CRM', '_event', '=x'])
    writeFileSync(join(root, name), '{}')
  mkdirSync(join(root, 'a b'))
  t.strictSame(await folder.suspensions(), [])
})

void t.test('what a killed writer left goes with the next one, not at once', async (t) => {
  const { folder, root } = open(t, Date.now())
  for (const name of ['crm.253', 'ops.12', 'readme.txt'])
    writeFileSync(join(root, name), '')
  utimesSync(join(root, 'crm.253'), 0, 0)
  utimesSync(join(root, 'readme.txt'), 0, 0)
  await folder.suspend({ lane: 'a', at: AT })
  t.strictSame(readdirSync(root).toSorted(), ['a', 'ops.12', 'readme.txt'])
})

void t.test('a folder that was removed is made again', async (t) => {
  const { folder, root } = open(t)
  rmSync(root, { recursive: true })
  t.strictSame(await folder.suspensions(), [])
  t.equal(await folder.resume('crm'), false)
  await folder.suspend({ lane: 'crm', at: AT })
  t.match(await folder.suspensions(), [{ lane: 'crm' }])
})

void t.test('what is in the way is said', async (t) => {
  const { folder, root } = open(t)
  rmSync(root, { recursive: true })
  writeFileSync(root, '')
  await t.rejects(folder.suspend({ lane: 'crm', at: AT }), {
    code: 'cannot-create',
    exitCode: 73,
  })
  await t.rejects(folder.suspensions(), { code: 'cannot-create', exitCode: 73 })
  await t.rejects(folder.resume('crm'), { code: 'cannot-create', exitCode: 73 })
})

void t.test(
  'a short write is a full disk, and suspends nothing',
  { skip: NO_PRLIMIT },
  async (t) => {
    const { folder, root } = open(t)
    await folder.suspend({ lane: 'ops', at: AT, by: 'ann' })
    const why = 'x'.repeat(3_000)
    await withFileLimit(1_000, async () => {
      for (const lane of ['crm', 'ops'])
        await t.rejects(folder.suspend({ lane, at: AT, why }), {
          code: 'temporary',
          exitCode: 75,
        })
    })
    t.strictSame(readdirSync(root).toSorted(), ['ops'], 'half of it would have no end')
    t.match(
      await folder.suspensions(),
      [{ lane: 'ops', by: 'ann' }],
      'what was suspended stays so',
    )
  },
)

void t.test('a spool of another user is not ours', { skip: NEEDS_ROOT }, async (t) => {
  const { layout, folder, root } = open(t)
  await folder.suspend({ lane: 'ops', at: AT })
  await asPlainUser(join(layout.root, 'hold'), async () => {
    await t.rejects(folder.suspend({ lane: 'crm', at: AT }), {
      code: 'no-permission',
      exitCode: 77,
    })
    await t.rejects(folder.resume('ops'), { code: 'no-permission', exitCode: 77 })
  })
  t.strictSame(readdirSync(root), ['ops'])
})

void t.test('what is written over in place counts too', async (t) => {
  const { folder, root } = open(t, Date.now())
  const text = (by: string) =>
    JSON.stringify({ lane: 'crm', at: '2026-11-20T12:00:00.000Z', by })
  writeFileSync(join(root, 'crm'), text('ann'))
  utimesSync(root, 0, 0)
  t.match(await folder.suspensions(), [{ by: 'ann' }])
  writeFileSync(join(root, 'crm'), text('bob'))
  t.match(await folder.suspensions(), [{ by: 'bob' }])
})

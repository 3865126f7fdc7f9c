import fc from 'fast-check'
import t from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import {
  OCCASIONS,
  judge,
  readOccasions,
  remembers,
  unreported,
} from '../../src/cli/occasion.ts'
import type { Memory, Run } from '../../src/cli/occasion.ts'

const AT = Date.parse('2026-11-20T12:00:00Z')
const run = (code: number, total = 0, digest = 'x'): Run => ({
  code,
  startedAt: AT,
  output: { total },
  digest,
})
const reason = (on: string, of: Run, before?: Memory) =>
  judge(readOccasions(on), of, before).reason

t.test('without a memory', async (t) => {
  for (const [on, quiet, loud, failed] of [
    ['fail', undefined, undefined, 'fail'],
    ['ok', 'ok', 'ok', undefined],
    ['always', 'always', 'always', 'always'],
    ['output', undefined, 'output', 'output'],
    ['ok,fail', 'ok', 'ok', 'fail'],
    ['always,fail', 'always', 'always', 'fail'],
  ] as const) {
    t.equal(reason(on, run(0)), quiet, on)
    t.equal(reason(on, run(0, 5)), loud, on)
    t.equal(reason(on, run(2)), failed, on)
  }
})

t.test('a change is another code or another output, or not to be known', async (t) => {
  const { next } = judge(readOccasions('change'), run(0, 1, 'a'), { failures: 0 })
  t.equal(reason('change', run(0, 1, 'a'), { failures: 0 }), 'change', 'the first run')
  t.equal(reason('change', run(0, 1, 'a')), 'change', 'without a memory')
  t.equal(reason('change', run(0, 1, 'a'), next), undefined)
  t.equal(reason('change', run(0, 1, 'b'), next), 'change')
  t.equal(reason('change', run(1, 1, 'a'), next), 'change')
})

t.test('it works again: once, with how often it had failed', async (t) => {
  const on = readOccasions('recover')
  let memory: Memory | undefined = { failures: 0 }
  const said: unknown[] = []
  for (const code of [0, 1, 2, 1, 0, 0]) {
    const verdict = judge(on, run(code), memory)
    said.push([verdict.reason, verdict.failures])
    memory = verdict.next
  }
  t.same(said, [
    [undefined, undefined],
    [undefined, 1],
    [undefined, 2],
    [undefined, 3],
    ['recover', 3],
    [undefined, undefined],
  ])
})

t.test('what could not be reported is reported by the next run', async (t) => {
  const on = readOccasions('fail,recover,change')
  const failing: Memory = { failures: 3, since: '2026-11-20T11:00:00.000Z', digest: '1 x' }
  const recovered = unreported(failing, judge(on, run(0), failing))
  t.equal(judge(on, run(0), recovered).reason, 'recover')
  const fourth = unreported(failing, judge(on, run(1, 0, 'y'), failing))
  t.match(fourth, { failures: 4, since: failing.since, digest: '1 x' })
  t.equal(judge(readOccasions('change'), run(1, 0, 'y'), fourth).reason, 'change')
  const none = { failures: 0 }
  t.same(unreported(none, judge(on, run(1), none)), {
    failures: 1,
    since: new Date(AT).toISOString(),
  })
})

t.test('failures are counted whatever is reported', async () => {
  const on = fc.subarray([...OCCASIONS], { minLength: 1 }).map((words) => words.join(','))
  fc.assert(
    fc.property(
      on,
      fc.array(fc.integer({ min: 0, max: 2 })),
      fc.boolean(),
      (words, codes, ok) => {
        let memory: Memory = { failures: 0 }
        let row = 0
        for (const code of codes) {
          const verdict = judge(readOccasions(words), run(code), memory)
          const isLost = !ok && verdict.reason !== undefined
          row = code === 0 ? (isLost ? row : 0) : row + 1
          memory = isLost ? unreported(memory, verdict) : verdict.next!
          if (memory.failures !== row) return false
          if (row > 0 !== (memory.since !== undefined)) return false
        }
        return true
      },
    ),
  )
})

t.test('words', async (t) => {
  t.ok(remembers(readOccasions('fail,change')))
  t.notOk(remembers(readOccasions('fail,output')))
  for (const [word, hint] of [
    ['fial', 'did you mean fail?'],
    ['', 'several have commas between them'],
    ['fail,', 'several have commas between them'],
  ] as const)
    t.throws(() => readOccasions(word), { code: 'usage', hint }, word)
  t.throws(() => readOccasions('x'), MsgqError)
})

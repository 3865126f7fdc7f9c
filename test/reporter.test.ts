/**
 * reporter - the closing line is read by people and by CI: it has to agree with tap.
 */
import type { Transform } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'

const loaded = (await import(String(new URL('./reporter.mjs', import.meta.url)))) as {
  default: new () => Transform
}

/** What the reporter prints for a raw TAP stream, and its last line. */
async function report(...lines: string[]): Promise<{ all: string; last: string }> {
  const reporter = new loaded.default()
  reporter.setEncoding('utf8')
  const printed = text(reporter)
  for (const line of ['TAP version 14', ...lines]) reporter.write(line + '\n')
  reporter.end()
  const all = await printed
  return { all, last: all.trimEnd().split('\n').at(-1)! }
}

const passing = [
  '# Subtest: test/a.test.ts',
  '    # Subtest: one',
  '        ok 1 - first',
  '        ok 2 - second',
  '        1..2',
  '    ok 1 - one',
  '    ok 2 - alone',
  '    1..2',
]

t.test('counts assertions, not the tests that hold them', async (t) => {
  const { all, last } = await report(
    ...passing,
    'ok 1 - test/a.test.ts # time=12ms',
    '1..1',
  )
  t.equal(last, '3 passed, 0 failed')
  t.match(all, /^ok +test\/a\.test\.ts {2}3 passed {2}0\.01s$/m)
  t.notMatch(all, /first/, 'what passed is not listed')
})

t.test('shows a failure whole, under its full name', async (t) => {
  const { all, last } = await report(
    '# Subtest: test/a.test.ts',
    '    # Subtest: one',
    '        not ok 1 - equal',
    '          ---',
    '          diff: |',
    '            -2',
    '            +1',
    '          stack: |',
    '            test/a.test.ts:4:32',
    '          found: wrong thing',
    '          ...',
    '        1..1',
    '    not ok 1 - one',
    '    1..1',
    'not ok 1 - test/a.test.ts # time=3ms',
    '1..1',
  )
  t.equal(last, '0 passed, 1 failed', 'once, not once a level')
  t.match(all, 'not ok test/a.test.ts > one > equal')
  t.match(all, '-2\n    +1')
  t.match(all, 'test/a.test.ts:4:32')
  t.match(all, "found: 'wrong thing'")
  t.match(all, /^FAIL test\/a\.test\.ts/m)
})

t.test('names what was skipped, and why', async (t) => {
  const { all, last } = await report(
    '# Subtest: test/a.test.ts',
    '    ok 1 - verify # SKIP no systemd-analyze',
    '    ok 2 - later # TODO',
    '    ok 3 - done',
    '    1..3',
    'ok 1 - test/a.test.ts',
    '1..1',
  )
  t.equal(last, '1 passed, 0 failed, 2 skipped')
  t.match(all, 'skip test/a.test.ts > verify: no systemd-analyze')
})

t.test('prints what tests say, and not what tap says to itself', async (t) => {
  const { all } = await report(
    '# Subtest: test/a.test.ts',
    '    # src/x.ts has 300 lines',
    '    stray output',
    '    ok 1 - done',
    '    1..1',
    '    # time=4ms',
    'ok 1 - test/a.test.ts',
    '1..1',
    '# { total: 1, pass: 1 }',
  )
  t.match(all, '# src/x.ts has 300 lines')
  t.match(all, 'stray output')
  t.notMatch(all, /Subtest|time=|total/)
})

t.test('counts a failure wherever tap sees one', async (t) => {
  const crash = await report(
    ...passing,
    'not ok 1 - test/a.test.ts',
    '  ---',
    '  exitCode: 3',
    '  signal: SIGSEGV',
    '  ...',
    '1..1',
  )
  t.equal(
    crash.last,
    '3 passed, 1 failed',
    'a file that exits badly after its tests passed',
  )
  t.match(crash.all, 'exitCode: 3')
  t.match(crash.all, "signal: 'SIGSEGV'")

  const hung = await report(
    'not ok 1 - timeout!',
    '  ---',
    '  expired: test/a.test.ts',
    '  ...',
    '1..1',
  )
  t.equal(hung.last, '0 passed, 1 failed', 'a file that ran out of time')
  t.match(hung.all, 'see .tap/test-results/test/a.test.ts.tap')

  t.equal(
    (await report('1..2', ...passing, 'ok 1 - test/a.test.ts')).last,
    '3 passed, 1 failed',
  )
  t.equal((await report('Bail out! no disk')).last, '0 passed, 1 failed', 'bail out')
})

/**
 * duration - spans that people write come back as they were meant.
 */
import tap from 'tap'

import { briefDuration, formatDuration, parseDuration } from '../../src/base/duration.ts'

tap.test('spans are read as people write them', async (t) => {
  const cases: [string, number][] = [
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['1m', 60_000],
    ['1m5s', 65_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['5d', 432_000_000],
    ['2w', 1_209_600_000],
    ['0.5ms', 1],
  ]
  for (const [text, ms] of cases) t.equal(parseDuration(text), ms, text)
})

tap.test('what is no span is not read as one', async (t) => {
  const texts = [
    '',
    '5',
    's',
    '-5s',
    '5 s',
    ' 5s',
    '5s ',
    '5S',
    '5x',
    '1e3s',
    '.5s',
    '5.s',
    '1,5h',
    '1h30',
    'forever',
    '5s\n',
    `${'9'.repeat(400)}d`,
    '9007199254740993ms',
  ]
  for (const text of texts) t.equal(parseDuration(text), undefined, JSON.stringify(text))
})

tap.test('a span is written in its largest units', async (t) => {
  const cases: [number, string][] = [
    [0, '0s'],
    [-5, '0s'],
    [0.4, '0s'],
    [1, '1ms'],
    [5_400_000, '1h30m'],
    [432_000_000, '5d'],
    [90_061_001, '1d1h1m1s1ms'],
  ]
  for (const [ms, text] of cases) t.equal(formatDuration(ms), text)
})

tap.test('a brief span is one number and its unit', async (t) => {
  const cases: [number, string][] = [
    [-1, '0ms'],
    [0, '0ms'],
    [999, '999ms'],
    [999.9, '999ms'],
    [1_000, '1s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [172_799_999, '47h'],
    [172_800_000, '2d'],
  ]
  for (const [ms, text] of cases) t.equal(briefDuration(ms), text, String(ms))
})

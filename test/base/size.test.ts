/**
 * size - amounts that people write, and columns that stay narrow.
 */
import fc from 'fast-check'
import tap from 'tap'

import { briefSize, parseSize } from '../../src/base/size.ts'

tap.test('amounts are read as people write them', async (t) => {
  const cases: [string, number][] = [
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['500k', 512_000],
    ['500K', 512_000],
    ['500kB', 500_000],
    ['1KiB', 1024],
    ['10MiB', 10_485_760],
    ['10 MiB', 10_485_760],
    ['10mib', 10_485_760],
    ['1.5M', 1_572_864],
    ['1MB', 1_000_000],
    ['2G', 2_147_483_648],
    ['1GiB', 1_073_741_824],
    ['1GB', 1_000_000_000],
  ]
  for (const [text, bytes] of cases) t.equal(parseSize(text), bytes, text)
})

tap.test('what is no amount is not read as one', async (t) => {
  const texts = [
    '',
    'M',
    '-1',
    '1e3',
    '0x10',
    '1T',
    '10 MiB ',
    '1,5M',
    '10MiBs',
    'toString',
    '1constructor',
    '99999999999G',
  ]
  for (const text of texts) t.equal(parseSize(text), undefined, text)
})

tap.test('a column holds any size in five characters, near enough', async () => {
  const units: Readonly<Record<string, number>> = {
    K: 1024,
    M: 1024 ** 2,
    G: 1024 ** 3,
    T: 1024 ** 4,
  }
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes: number) => {
      const text = briefSize(bytes)
      const shown = Number.parseFloat(text) * (units[text.slice(-1)] ?? 1)
      return text.length <= 5 && Math.abs(shown - bytes) <= bytes * 0.06
    }),
  )
})

tap.test('sizes look as in ls -h', async (t) => {
  const cases: [number, string][] = [
    [0, '0'],
    [540, '540'],
    [1023, '1023'],
    [1024, '1.0K'],
    [1229, '1.2K'],
    [90_112, '88K'],
    [1_048_575, '1.0M'],
    [4_299_162, '4.1M'],
    [2 ** 40, '1.0T'],
  ]
  for (const [bytes, text] of cases) t.equal(briefSize(bytes), text, String(bytes))
})

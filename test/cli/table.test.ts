/**
 * table - columns, edges, and nothing that a stranger wrote but as text.
 */
import fc from 'fast-check'
import t from 'tap'

import { jsonLine } from '../../src/cli/json.ts'
import { sizeText } from '../../src/cli/size-text.ts'
import { cutAt, formatTable } from '../../src/cli/table.ts'
import type { Column } from '../../src/cli/table.ts'

const COLUMNS: readonly Column[] = [
  { head: 'NAME', most: 8 },
  { head: 'SIZE', align: 'right' },
  { head: 'TEXT' },
]

t.test(
  'columns are as wide as their widest cell, and lines end with their text',
  async (t) => {
    t.same(
      formatTable(COLUMNS, [
        ['a', '1.2K', 'x'],
        ['abcdefghij', '5', ''],
      ]),
      ['NAME      SIZE  TEXT', 'a         1.2K  x', 'abcde...     5'],
    )
    t.same(formatTable(COLUMNS, []), ['NAME  SIZE  TEXT'])
  },
)

t.test('a terminal is never written beyond its edge', async (t) => {
  t.same(formatTable(COLUMNS, [['a', '1', 'a long text']], 16), [
    'NAME  SIZE  TEXT',
    'a        1  a...',
  ])
  t.equal(cutAt('abc', 2), '..')
  t.equal(cutAt('abc', undefined), 'abc')
})

t.test('whatever is in a cell stays one printable line within the edge', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))),
      fc.integer({ min: 1, max: 120 }),
      (cells, edge) => {
        const rows = cells.map(([a, b]) => [a, '1', b])
        const lines = formatTable(COLUMNS, rows, edge)
        return (
          lines.length === rows.length + 1 &&
          lines.every(
            (line) => line.length <= edge && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line),
          )
        )
      },
    ),
  )
})

t.test(
  'a line of JSON is one line, without anything that hides, and is the value',
  async () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = jsonLine({ text })
        return (
          JSON.parse(line).text === text &&
          !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f]/u.test(
            line.slice(0, -1),
          ) &&
          line.endsWith('\n')
        )
      }),
    )
  },
)

t.test('sizes in a sentence have their unit', async (t) => {
  t.same([0, 540, 2_150, 94_208, 5e9].map(sizeText), [
    '0 B',
    '540 B',
    '2.1 KiB',
    '92 KiB',
    '4.7 GiB',
  ])
})

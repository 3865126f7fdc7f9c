/**
 * options - what the bench is asked for, and which rows that means.
 */
import t from 'tap'

import { isWanted, kindOf, readOptions } from './options.ts'
import { rowsOf } from './rows.ts'

t.test('without words everything runs, here, and nothing is kept', async (t) => {
  const options = readOptions([])
  t.match(options, { quick: false, keep: false, journal: false, names: [] })
  t.equal(kindOf(options), 'full')
  for (const { name } of rowsOf(true)) t.ok(isWanted(name, options))
})

t.test('words choose rows by a part of their name', async (t) => {
  const options = readOptions(['--quick', 'Enqueue', 'restart'])
  const wanted = rowsOf(true).filter(({ name }) => isWanted(name, options))
  t.same(
    wanted.map(({ name }) => name),
    ['enqueue 1', 'enqueue 32', 'restart'],
  )
})

t.test('runs of different kinds are never compared', async (t) => {
  const kinds = [
    [],
    ['--quick'],
    ['--journal'],
    ['--on', '/mnt'],
    ['--quick', '--journal'],
  ].map((words) => kindOf(readOptions(words)))
  t.equal(new Set(kinds).size, kinds.length)
})

t.test('what cannot be is refused', async (t) => {
  t.throws(() => readOptions(['--journal', '--on', '/mnt']), /exclude each other/)
  t.throws(() => readOptions(['--fast']), /--fast/)
})

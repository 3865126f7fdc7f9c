import t from 'tap'

import { memo } from '../../src/base/memo.ts'

t.test('a text is asked for once, and an error each time', async (t) => {
  const asked: string[] = []
  const length = memo((text) => {
    asked.push(text)
    if (text === 'bad') throw new Error('bad')
    return text.length
  })
  t.equal(length('four'), 4)
  t.equal(length('four'), 4)
  t.throws(() => length('bad'))
  t.throws(() => length('bad'))
  t.strictSame(asked, ['four', 'bad', 'bad'])
})

t.test('it does not grow for ever', async (t) => {
  let asked = 0
  const made = memo((text) => ({ text, asked: ++asked }))
  const first = made('0')
  for (let n = 0; n < 10_000; n++) made(String(n))
  t.equal(asked, 10_000)
  t.not(made('0'), first, 'the first was forgotten')
  t.equal(made('0').text, '0')
})

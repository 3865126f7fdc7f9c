import fc from 'fast-check'
import t from 'tap'

import { Tail } from '../../src/cli/tail.ts'

function tailOf(limit: number, chunks: readonly (string | Uint8Array)[]) {
  const tail = new Tail(limit)
  for (const chunk of chunks) tail.add(Buffer.from(chunk))
  return tail
}

t.test('what fits is there whole', async (t) => {
  const tail = tailOf(10, ['ab\n', '', 'cdefgh'])
  t.same(tail.text(), { text: 'ab\ncdefgh', cut: 0 })
  t.same(tailOf(10, []).text(), { text: '', cut: 0 })
})

t.test('what is cut begins with a whole line', async (t) => {
  t.same(tailOf(10, ['one\ntwo\n', 'three\n']).text(), { text: 'three\n', cut: 8 })
  t.same(tailOf(10, ['01234567890123456789']).text(), { text: '0123456789', cut: 10 })
  t.same(tailOf(10, ['0123456789abcdefg\nxy']).text().text, '9abcdefg\nxy'.slice(-10))
})

t.test('it never begins with half a character', async (t) => {
  const { text, cut } = tailOf(4, ['€€€']).text()
  t.same([text, cut], ['€', 6])
})

t.test('colours go', async (t) => {
  t.equal(tailOf(100, ['\u001b[31mred\u001b[0m\n']).text().text, 'red\n')
})

t.test('it is the end of what came, however it was cut into chunks', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 64 }), (parts, limit) => {
      const whole = Buffer.concat(parts)
      const [many, one] = [tailOf(limit, parts), tailOf(limit, [whole])]
      if (many.total !== whole.length) return false
      const { text, cut } = many.text()
      if (text !== one.text().text || cut !== one.text().cut) return false
      return cut >= whole.length - limit && cut <= whole.length
    }),
  )
})

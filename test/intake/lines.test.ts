import fc from 'fast-check'
import t from 'tap'

import { linesOf } from '../../src/intake/lines.ts'
import type { InputLine } from '../../src/intake/lines.ts'

async function read(chunks: readonly Buffer[], limit = 1000): Promise<InputLine[]> {
  async function* input() {
    yield* chunks
  }
  const lines: InputLine[] = []
  for await (const line of linesOf(input(), limit)) lines.push(line)
  return lines
}

t.test('lines do not depend on how the input is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r'), maxLength: 40 }),
      fc.array(fc.nat(40), { maxLength: 5 }),
      async (text, cuts) => {
        const bytes = Buffer.from(text)
        const chunks: Buffer[] = []
        let at = 0
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          chunks.push(bytes.subarray(at, Math.max(at, cut)))
          at = Math.max(at, cut)
        }
        chunks.push(bytes.subarray(at))
        const expected = text.split('\n')
        // A newline ends a line and does not begin another.
        if (expected.at(-1) === '') expected.pop()
        const lines = await read(chunks)
        return (
          JSON.stringify(lines.map((line) => line.bytes.toString())) ===
            JSON.stringify(expected) &&
          lines.every((line, index) => line.number === index + 1)
        )
      },
    ),
  )
})

t.test(
  'a line over the limit is said to be over, and those after it are whole',
  async (t) => {
    const lines = await read(
      [Buffer.from('12345\n1234'), Buffer.from('56\n12'), Buffer.from('3')],
      5,
    )
    t.strictSame(
      lines.map(({ number, bytes, isOver }) => [number, bytes.toString(), isOver]),
      [
        [1, '12345', false],
        [2, '', true],
        [3, '123', false],
      ],
    )
  },
)

t.test('the last line may be over the limit, too', async (t) => {
  t.match(await read([Buffer.alloc(10, 'x'), Buffer.alloc(10, 'x')], 15), [
    { number: 1, isOver: true },
  ])
})

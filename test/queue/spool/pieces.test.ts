import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { namesInPieces } from '../../../src/queue/spool/pieces.ts'

void t.test('each name once, whatever the size of a piece', async (t) => {
  const root = t.testdir()
  for (const count of [0, 1, 4, 5, 8, 9]) {
    const folder = join(root, String(count))
    mkdirSync(folder)
    const made = Array.from({ length: count }, (_, n) => `file ${n} \u00e9`)
    for (const name of made) writeFileSync(join(folder, name), '')
    const pieces: (readonly string[])[] = []
    for await (const piece of namesInPieces(folder, 4)) pieces.push(piece)
    t.strictSame(pieces.flat().toSorted(), made)
    t.ok(pieces.every(({ length }) => length > 0 && length <= 4))
  }
})

void t.test('who has seen enough leaves, though more is being read', async (t) => {
  const folder = t.testdir()
  for (let n = 0; n < 20; n++) writeFileSync(join(folder, String(n)), '')
  for await (const piece of namesInPieces(folder, 4)) {
    t.equal(piece.length, 4)
    break
  }
  for await (const _ of namesInPieces(folder, 4)) {
    // What is removed while it is read ends the reading, and nothing else.
    rmSync(folder, { recursive: true, force: true })
  }
})

void t.test('a folder that is none is said to be', async (t) => {
  const missing = join(t.testdir(), 'missing')
  await t.rejects(namesInPieces(missing, 4).next(), { code: 'ENOENT' })
})

/**
 * errno - anything can be thrown, and becomes a line that a person reads.
 */
import { readFile } from 'node:fs/promises'

import fc from 'fast-check'
import tap from 'tap'

import { errnoOf, isMissing, plainError } from '../../src/base/errno.ts'

tap.test('a file that is not there is missing, and said plainly', async (t) => {
  const error: unknown = await readFile(`${t.testdir()}/none`).catch((e: unknown) => e)
  t.equal(errnoOf(error), 'ENOENT')
  t.ok(isMissing(error))
  t.equal(plainError(error), 'no such file or directory')
})

tap.test('a folder that is read as a file is not missing', async (t) => {
  const error: unknown = await readFile(t.testdir()).catch((e: unknown) => e)
  t.notOk(isMissing(error))
  t.equal(plainError(error), 'is a directory')
})

tap.test('what has no code of the system has none', async (t) => {
  for (const thrown of [undefined, null, 5, 'ENOENT', {}, { code: 5 }, new Error('x')]) {
    t.equal(errnoOf(thrown), undefined)
    t.notOk(isMissing(thrown))
  }
})

tap.test('anything thrown is a text', async (t) => {
  t.equal(plainError(new Error('broken')), 'broken')
  t.equal(plainError('just so'), 'just so')
  t.equal(plainError(undefined), 'undefined')
  t.equal(plainError(Object.assign(new Error('odd'), { code: 'EODD' })), 'odd')
  // A code that is the name of something every object has.
  for (const code of ['constructor', 'toString', '__proto__'])
    t.equal(plainError(Object.assign(new Error('odd'), { code })), 'odd')
  t.equal(typeof plainError(Object.create(null)), 'string')
  fc.assert(fc.property(fc.anything(), (thrown) => typeof plainError(thrown) === 'string'))
})

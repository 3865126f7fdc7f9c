/**
 * text - what strangers sent cannot play with a terminal, and typos find their word.
 */
import fc from 'fast-check'
import tap from 'tap'

import { didYouMean, hasControl, printable } from '../../src/base/text.ts'

/** Anything that a stranger may send: half of it made of what is nasty. */
const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...'\u0000\u0007\u001b\u007f\u009b\u061c\u200e\u202e\u2066\ufeff\r\n\t',
    ),
    fc.constantFrom('\u{e0041}', '\ud800', '\udc00', '\u00ad', '\u2028', '\u{1f600}'),
    fc.string({ minLength: 1, maxLength: 3 }),
  ),
})

tap.test('a printable line never holds what moves, hides or breaks', async () => {
  fc.assert(
    fc.property(nasty, fc.integer({ min: 3, max: 60 }), (text: string, limit: number) => {
      const line = printable(text, limit)
      return line.length <= limit && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(line)
    }),
  )
})

tap.test('what is printable stays as it is', async (t) => {
  t.equal(printable('HTTP 503: ungültig 你好 😀'), 'HTTP 503: ungültig 你好 😀')
  fc.assert(
    fc.property(nasty, (text: string) => {
      const once = printable(text, 100)
      return printable(once, 100) === once
    }),
  )
})

tap.test('what breaks a line becomes one space, around the text none', async (t) => {
  t.equal(printable('  a\r\n\tb\u001b[31mc\u0000 '), 'a b [31mc')
  t.equal(printable('a\u202eb\u061cc'), 'a b c')
  t.equal(printable('\n\n'), '')
})

tap.test('a long line is cut, and says so', async (t) => {
  t.equal(printable('x'.repeat(300)).length, 300)
  t.equal(printable('x'.repeat(301)), `${'x'.repeat(297)}...`)
  t.equal(printable('abcdefgh', 6), 'abc...')
  t.equal(printable('ab😀😀😀', 6), 'ab...', 'never in the middle of a character')
})

tap.test('control characters are found, tab and C1 among them', async (t) => {
  for (const code of [0, 9, 10, 13, 27, 31, 127, 128, 0x85, 0x9b, 0x9f])
    t.ok(hasControl(`a${String.fromCharCode(code)}b`), `U+${code.toString(16)}`)
  for (const text of ['', 'a b', 'ü', '\u00a0', '你好', '😀']) t.notOk(hasControl(text))
})

tap.test('a typo finds the word that was meant', async (t) => {
  const options = ['timeout', 'retry', 'window', 'rate', 'content_type']
  t.equal(didYouMean('retyr', options), 'retry')
  t.equal(didYouMean('Timeuot', options), 'timeout')
  t.equal(didYouMean('windows', options), 'window')
  t.equal(didYouMean('contenttype', options), 'content_type')
  t.equal(didYouMean('tmeuot', options), 'timeout', 'two slips in a word of six')
  t.equal(didYouMean('ruta', options), undefined, 'but not two in a word of four')
  t.equal(didYouMean('banana', options), undefined)
  t.equal(didYouMean('x', []), undefined)
  t.equal(didYouMean('rate', new Set(options)), 'rate')
})

tap.test('one wrong letter in a word of some length is always forgiven', async () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcdefgh'), minLength: 4 })
  fc.assert(
    fc.property(word, fc.nat(), (meant: string, at: number) => {
      const cut = at % meant.length
      const typed = `${meant.slice(0, cut)}z${meant.slice(cut + 1)}`
      return didYouMean(typed, ['0123456789012345678901234', meant]) === meant
    }),
  )
})

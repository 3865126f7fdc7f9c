/**
 * configurations - etc/msgq.toml with all its options in force, changed at random: it is a
 * configuration, or every problem says its file and line; never an exception.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import fc from 'fast-check'

import { checkConfig } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problem.ts'
import { machine } from '../config/machine.ts'
import { damaged } from './damage.ts'
import { law } from './law.ts'
import type { Law } from './law.ts'

const SAMPLE = readFileSync(fileURLToPath(new URL('../../etc/msgq.toml', import.meta.url)))
/** Without its comments: they would take most of the blows. */
const LINES = SAMPLE.toString()
  .split('\n')
  .map((line) => line.replace(/^#(?=[\w[])/, ''))
  .filter((line) => /^[\w[]/.test(line) && !line.includes('spool ='))

/** One a line; in each `\n` is an end of line. */
const VALUES = String.raw`0
-1
1e400
nan
true
""
"5d"
"forever"
"10 apples"
"crm"
"\u0000"
'x'
"""\na\n"""
2026-11-20
"http://u:p@h/"
"https://h/"
[]
[{}]
{}
{ file = "x" }
{ env = "" }
{ file = 1 }
{ bearer = "s" }
{ basic = {} }
{ a = { a = { a = [1, [2]] } } }
99999999999999999999999999999999`
  .split('\n')
  .map((value) => value.replaceAll('\\n', '\n'))
const KEYS = 'min max retyr to url "a.b" \'\' a.b.c __proto__ type'.split(' ')
const HEADERS = `[retry]
[[retry]]
[destinations]
[destinations.crm]
[destinations.X-Y]
[destinations.crm.headers]
[destinations."a.b"]
[lane.window]
[__proto__]`.split('\n')

type Edit = (lines: string[], at: number) => void
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.constant<Edit>((lines, at) => void lines.splice(at, 1)),
  fc.constant<Edit>((lines, at) => void lines.splice(at, 0, lines[at] as string)),
  fc.constant<Edit>((lines, at) => void lines.push(...lines.splice(at, 1))),
  fc.constantFrom(...VALUES).map((value): Edit => {
    return (lines, at) =>
      void (lines[at] = (lines[at] as string).replace(/=.*$/, () => `= ${value}`))
  }),
  fc.constantFrom(...KEYS).map((key): Edit => {
    return (lines, at) =>
      void (lines[at] = (lines[at] as string).replace(/^[\w.-]+/, () => key))
  }),
  fc.constantFrom(...HEADERS).map((header): Edit => {
    return (lines, at) => void lines.splice(at, 0, header)
  }),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((junk): Edit => {
    return (lines, at) => void lines.splice(at, 0, junk)
  }),
)

/** The sample with a few lines changed. */
const edited = fc.array(fc.tuple(edit, fc.nat(1_000)), { maxLength: 5 }).map((edits) => {
  const lines = [...LINES]
  for (const [change, at] of edits) if (lines.length > 0) change(lines, at % lines.length)
  return lines.join('\n')
})
const anyText = fc.oneof(
  { arbitrary: edited, weight: 6 },
  { arbitrary: damaged(edited), weight: 3 },
  { arbitrary: fc.string({ unit: fc.constantFrom(...'[]{}=".\'#\n ,a\\1-') }), weight: 1 },
)
const aPart = fc.oneof(
  fc.constant(''),
  fc.constantFrom('[destinations.more]\nurl = "https://h/"\n', '[retry]\nmin = "1s"\n'),
  edited,
)

/** Names a file that was read and a line that is in it, and can be printed. */
function hasPlace(problem: Problem, texts: ReadonlyMap<string, string>): boolean {
  const { file, line, message, hint = '' } = problem
  const text = texts.get(file)
  return (
    text !== undefined &&
    message.startsWith(text === '' ? `${file}:` : `${file}:${line}:`) &&
    line >= 1 &&
    line <= text.split('\n').length &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(message + hint)
  )
}

/** The laws of the configuration; its files are written into the folder. */
export function configurationLaws(folder: string): Law[] {
  const file = join(folder, 'msgq.toml')
  const part = join(folder, 'conf.d', 'part.toml')
  mkdirSync(join(folder, 'conf.d'), { recursive: true })
  const check = (main: string, more: string): boolean => {
    writeFileSync(file, main)
    writeFileSync(part, more)
    const { config, problems } = checkConfig(machine(folder), { config: file })
    const texts = new Map([
      [file, main],
      [part, more],
    ])
    const decided = (config === undefined) === problems.length > 0
    return decided && problems.every((problem) => hasPlace(problem, texts))
  }
  return [
    law(
      'configuration: any text is one, or its problems have places',
      10,
      anyText,
      (text) => check(text, ''),
    ),
    law(
      'configuration: with conf.d, the same',
      4,
      fc.tuple(edited, aPart),
      ([text, more]) => check(text, more),
    ),
  ]
}

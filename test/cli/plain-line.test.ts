/**
 * plain-line - what it understands commander understands in the same way; the rest it leaves.
 */
import { Command, CommanderError } from 'commander'
import fc from 'fast-check'
import t from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import { COMMON_OPTIONS, addOptions } from '../../src/cli/option-row.ts'
import { plainLine } from '../../src/cli/plain-line.ts'
import { refuseSilence } from '../../src/cli/curl-options.ts'
import { SEND_OPTIONS, addSendOptions } from '../../src/cli/send-options.ts'
import type { SendOptions } from '../../src/cli/send-options.ts'

/** The line as main.ts and send.ts have commander read it; undefined for one that it refuses. */
function byCommander(words: readonly string[]) {
  let line
  const silent = { writeOut: () => {}, writeErr: () => {}, outputError: () => {} }
  const program = new Command('msgq').version('1', '-V, --version').exitOverride()
  program.configureOutput(silent)
  const send = program.command('send')
  addOptions(send, COMMON_OPTIONS)
  addSendOptions(send)
  send.action((to: string | undefined, text: string[], options: SendOptions) => {
    refuseSilence(send, options.subject)
    line = { to, text, options, flags: send.opts() }
  })
  try {
    program.parse(['send', ...words], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError || error instanceof MsgqError) return undefined
    throw error
  }
  return line
}

const names = [...COMMON_OPTIONS, ...SEND_OPTIONS].flatMap(
  ({ flags }) => flags.match(/--?[\w-]+/g) ?? [],
)
const letters = 'cdHXsEqvSfkLhVx'

/** Words of which any may stand anywhere. */
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('ops', 'https://a.example/?b=c', 'S', '@-', 'x y'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '-', '--', '---', '-5', '-.5e3', '--=', 'é', '-é'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('-sS', '-k', '-V', '--version', '-h', '--help', 'help'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('send', '--no-hold', '--dat', '__proto__', '--__proto__'),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...names), fc.constantFrom('', '=', 'a', '-a', 'a=b', 'a\nb'))
      .map(([name, value]) => `${name}=${value}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 3 })
      .map((all) => `-${all}`),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
)

void t.test('what it understands commander understands in the same way', async (t) => {
  let understood = 0
  fc.assert(
    fc.property(fc.array(word, { maxLength: 7 }), (words) => {
      const line = plainLine(words)
      if (line === undefined) return
      understood++
      t.strictSame(line, byCommander(words), JSON.stringify(words))
    }),
    { numRuns: 5_000 },
  )
  t.ok(understood > 500, `${understood} lines`)
})

void t.test('it understands what scripts write', async (t) => {
  for (const [words, options] of [
    [['ops', 'disk full'], {}],
    [
      ['-qE', 'ops', '-s', 'backup of today'],
      { quiet: true, skipEmpty: true, subject: 'backup of today' },
    ],
    [['ops', '--json={"a":1}', '--hold'], { json: ['{"a":1}'], hold: true }],
    [['ops', '-H', 'a: b', '-H', 'c: d', '--', '-5'], { header: ['a: b', 'c: d'] }],
    [['--spool', '/s', '-c', '/c', 'ops', 'x'], { spool: '/s', config: '/c' }],
  ] as const)
    t.strictSame(plainLine(words)?.options, options, words.join(' '))
  t.strictSame(plainLine(['ops', 'a', '--', '-b']), {
    to: 'ops',
    text: ['a', '-b'],
    options: {},
    flags: {},
  })
  t.equal(plainLine([])?.to, undefined)
  const lookalike = ['ops', '-s', 'S', '--', '-sS']
  t.strictSame(plainLine(lookalike), byCommander(lookalike), 'a text that looks like -sS')
})

void t.test('every option that it cannot be sure of it leaves to commander', async (t) => {
  for (const words of [
    ['--help'],
    ['-h'],
    ['-V'],
    ['-sS', 'ops'],
    ['-XPUT', 'ops'],
    ['-k', 'ops'],
    ['ops', '-5'],
    ['ops', '-d'],
    ['ops', '-d', '-'],
    ['ops', '-s', '--', 'x'],
    ['--quiet=yes', 'ops'],
    ['--sub', 'x'],
    ['-qs', 'x'],
  ])
    t.equal(plainLine(words), undefined, words.join(' '))
})

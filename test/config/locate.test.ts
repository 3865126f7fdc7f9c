import fc from 'fast-check'
import t from 'tap'
import { parse, stringify } from 'smol-toml'

import { locator } from '../../src/config/locate.ts'
import type { Path } from '../../src/config/problem.ts'

const TEXT = `# a comment with [table] and key = 1
spool = "/q" # [retry]
text = """
[retry]
min = 1 \\"""
"""
literal = '''
max = 2'''''

[retry]
min = "1s"
 max="2s"
"quoted key" = 1
'a.b' = 2
"\\u0041" = 3

[ destinations . crm ]
url = { file = "x" }
auth = { basic = { user = "}", password = "]" } }
headers = { "x-a" = "1", x-b = [
  "two", # a comma, and }
  { c = 3 },
] }
retry.min = "3s"
retry.max = 1979-05-27 07:32:00

[destinations.ops.lane]
window = 3

[[routes]]
event = "a"
[[routes]]
event = "b"
`

t.test('finds the line of every kind of key', async (t) => {
  parse(TEXT)
  const line = locator(TEXT)
  const lines: [Path, number][] = [
    [['spool'], 2],
    [['text'], 3],
    [['literal'], 7],
    [['retry'], 10],
    [['retry', 'min'], 11],
    [['retry', 'max'], 12],
    [['retry', 'quoted key'], 13],
    [['retry', 'a.b'], 14],
    [['retry', 'A'], 15],
    [['destinations'], 17],
    [['destinations', 'crm'], 17],
    [['destinations', 'crm', 'url', 'file'], 18],
    [['destinations', 'crm', 'auth', 'basic', 'password'], 19],
    [['destinations', 'crm', 'headers', 'x-a'], 20],
    [['destinations', 'crm', 'headers', 'x-b', 1, 'c'], 22],
    [['destinations', 'crm', 'retry', 'min'], 24],
    [['destinations', 'crm', 'retry', 'max'], 25],
    [['destinations', 'ops'], 27],
    [['destinations', 'ops', 'lane', 'window'], 28],
    [['routes', 0, 'event'], 31],
    [['routes', 1, 'event'], 33],
  ]
  for (const [path, expected] of lines) t.equal(line(path), expected, path.join('.'))
})

t.test('what is not there stands on the line of the table around it', async (t) => {
  const line = locator(TEXT)
  t.equal(line(['retry', 'factor']), 10)
  t.equal(line(['destinations', 'crm', 'type']), 17)
  t.equal(line(['log', 'level']), 1)
  t.equal(line([]), 1)
  t.equal(locator('\uFEFF\nspool = 1')(['spool']), 2)
})

t.test('finds every key of any table that TOML can write', async () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('leaf'), { maxLength: 3 }),
      fc.dictionary(fc.string({ minLength: 1 }), tie('any'), { maxKeys: 4 }),
    ),
    leaf: fc.oneof(fc.string(), fc.integer()),
  })).any
  const table = fc.dictionary(fc.string({ minLength: 1 }), value, { maxKeys: 5 })
  fc.assert(
    fc.property(table, (given) => {
      const text = stringify(given)
      const lines = text.split('\n')
      const line = locator(text)
      for (const path of pathsOf(parse(text), [])) {
        const key = stringify({ [path.at(-1) as string]: 1 }).split(' = ')[0] as string
        const found = lines[line(path) - 1] ?? ''
        if (!found.includes(key)) throw new Error(`${path.join('.')} is not on: ${found}`)
      }
    }),
    { numRuns: 500 },
  )
})

t.test('ends on a text that is no TOML', async () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}=".\'#\n ,a\\') }), (text) => {
      // An escape that does not exist is the one thing that it may refuse.
      try {
        return locator(text)(['a']) >= 1
      } catch {
        return true
      }
    }),
    { numRuns: 2000 },
  )
})

function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key],
    ...pathsOf(inner, [...path, key]),
  ])
}

import fc from 'fast-check'
import t from 'tap'

import { answer, filterText } from '../../src/message/filter.ts'
import { parseFilter } from '../../src/message/filter-grammar.ts'
import { FilterError } from '../../src/message/filter-tokens.ts'
import type { Filter, Scalar } from '../../src/message/filter.ts'
import { globFits } from '../../src/message/glob.ts'

const BODY = {
  type: 1700,
  amount: 12.5,
  user: { role: 'admin', email: 'ann@example.com', manager: null },
  items: [{ sku: 'a' }, { sku: 'b' }],
  'odd name': true,
  not: 'a word of the grammar',
}

const holds = (text: string, body: unknown = BODY) => answer(parseFilter(text), body).holds

t.test('each test, where it holds and where it does not', async (t) => {
  const cases: [yes: string, no: string][] = [
    ['user.role == "admin"', 'user.role == "Admin"'],
    ['type == 1700', 'type == "1700"'],
    ['user.manager == null', 'user.nobody == null'],
    ['"odd name" == true', '"odd name" == false'],
    ['user.role != "guest"', 'user.role != "admin"'],
    ['user.nobody != 1', 'user.manager != null'],
    ['amount > 12', 'amount > 12.5'],
    ['amount >= 12.5', 'amount >= 1e2'],
    ['amount < 13', 'amount < -1'],
    ['amount <= 12.5', 'amount <= 12'],
    ['user.role > "a"', 'user.role > 1'],
    ['amount >= 0', 'amount >= "0"'],
    ['type in [1700, 1701]', 'type in ["1700", 1]'],
    ['type not in [1]', 'type not in [1700]'],
    ['user.nobody not in [1]', 'user.nobody in [1]'],
    ['user.manager exists', 'user.nobody exists'],
    ['user.nobody not exists', 'user not exists'],
    ['user.email starts with "ann@"', 'user.email starts with "@"'],
    ['user.email ends with "@example.com"', 'amount ends with "5"'],
    ['items.1.sku == "b"', 'items.2.sku == "b"'],
    ['items.0.sku exists', 'items.length exists'],
    ['"not" starts with "a word"', 'constructor exists'],
    ['not type == 1', 'not not type == 1'],
    ['type == 1 or user exists', 'type == 1 or user.x exists'],
    ['type == 1700 and user exists', 'type == 1700 and user.x exists'],
    ['user exists or type == 1 and type == 2', '(user exists or type == 1) and type == 2'],
    ['not type == 1 and user exists', 'not (type == 1 or user exists)'],
  ]
  for (const [yes, no] of cases) {
    t.equal(holds(yes), true, yes)
    t.equal(holds(no), false, no)
  }
  for (const body of [null, 3, 'text', []]) t.equal(holds('a exists', body), false)
})

t.test('an answer says which facts decided it', async (t) => {
  const why = (text: string) => answer(parseFilter(text), BODY).why
  t.equal(why('user.role == "guest"'), 'user.role is "admin"')
  t.equal(why('user.x exists and type == 1'), 'user.x is not there')
  t.equal(why('type == 1700 and user exists'), 'type is 1700, user is an object')
  t.equal(why('type == 1 or items exists'), 'items is a list')
  t.equal(why('"odd name" == false'), '"odd name" is true')
})

t.test('what is no filter: why, and where', async (t) => {
  const bad: [text: string, why: RegExp, column: number][] = [
    ['', /^the end stands where a member of the body should$/, 1],
    ['type', /^the end stands where ==, !=/, 5],
    ['type = 1', /^"=" is written ==$/, 6],
    ['type == x', /^"x" stands where a value should: a text in quotes/, 9],
    ["type == 'x'", /^a text stands in double quotes/, 9],
    ['type == "x', /^a quote is missing/, 9],
    ['type == 1 && a exists', /^"&&" is written and$/, 11],
    ['a exists || b exists', /^"\|\|" is written or$/, 10],
    ['! a exists', /^"!" is written not$/, 1],
    ['type == 1 type == 2', /^"type" stands where "and", "or" or the end should$/, 11],
    ['(type == 1', /^the end stands where "\)" should$/, 11],
    ['type in (1)', /^"\(" stands where a list should/, 9],
    ['type in []', /^"\]" stands where a value should/, 10],
    ['type in [1', /^the end stands where "]" should$/, 11],
    ['type starts "x"', /^"x" stands where "with" should$/, 13],
    ['type starts with 1', /^starts with: is not a text: 1$/, 19],
    ['a. == 1', /^"==" stands where a member should$/, 4],
    ['and == 1', /^"and" stands where a member of the body should$/, 1],
    ['a not b', /^"b" stands where "in" or "exists" should$/, 7],
    ['a == 1e999', /^1e999 is more than a number can be$/, 6],
    ['a == "\\x"', /^"\\x" is no text as JSON writes it$/, 6],
    ['a == §', /^"§" means nothing here$/, 6],
    [`${'('.repeat(60)}a exists${')'.repeat(60)}`, /^is nested too deeply$/, 51],
  ]
  for (const [text, why, column] of bad)
    try {
      parseFilter(text)
      t.fail(text)
    } catch (error) {
      t.ok(error instanceof FilterError, text)
      t.match((error as Error).message, why, text)
      t.equal((error as FilterError).column, column, text)
    }
})

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc.constant(null),
)
const path = fc.array(
  fc.oneof(fc.constantFrom('a', 'b', '0', 'not', 'x-y', 'odd name'), fc.string()),
  { minLength: 1, maxLength: 3 },
)
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=')
const single = fc.oneof(
  fc.record({ kind: fc.constant('compare'), path, by: comparison, value: scalar }),
  fc.record({
    kind: fc.constant('in'),
    path,
    values: fc.array(scalar, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('exists'), path }),
  fc.record({ kind: fc.constantFrom('starts', 'ends'), path, text: fc.string() }),
)
const { filter } = fc.letrec((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    single,
    fc.record({ kind: fc.constant('not'), of: tie('filter') }),
    fc.record({
      kind: fc.constantFrom('and', 'or'),
      of: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
  ),
})) as { filter: fc.Arbitrary<Filter> }

t.test('a filter that is written down reads as itself', async (t) => {
  fc.assert(
    fc.property(filter, (given) => {
      const read = parseFilter(filterText(given))
      t.equal(JSON.stringify(read), JSON.stringify(given))
    }),
    { numRuns: 200 },
  )
})

t.test('and, or and not mean what they do in logic, for any body', async (t) => {
  fc.assert(
    fc.property(filter, filter, fc.json(), (one, other, json) => {
      const body: unknown = JSON.parse(json)
      const [a, b] = [answer(one, body).holds, answer(other, body).holds]
      const both = { kind: 'and', of: [one, other] } as const
      const either = { kind: 'or', of: [one, other] } as const
      t.equal(answer(both, body).holds, a && b)
      t.equal(answer(either, body).holds, a || b)
      t.equal(answer({ kind: 'not', of: one }, body).holds, !a)
    }),
    { numRuns: 200 },
  )
})

t.test('no text makes it do anything but read, or say what is wrong', async (t) => {
  const bits = fc.constantFrom('a', '.', '"', '"x"', '==', '(', ')', '[', 'not', '1', ' ')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(bits).map((all) => all.join('')),
      ),
      (text) => {
        try {
          parseFilter(text)
        } catch (error) {
          t.ok(error instanceof FilterError)
        }
      },
    ),
    { numRuns: 300 },
  )
})

t.test('a * in a glob is any text', async (t) => {
  for (const [glob, name] of [
    ['user.*', 'user.created'],
    ['user.*', 'user.'],
    ['*', ''],
    ['*.created', 'a.b.created'],
    ['a*b*c', 'a-b-b-c'],
    ['user.created', 'user.created'],
  ] as const)
    t.ok(globFits(glob, name), `${glob} means ${name}`)
  for (const [glob, name] of [
    ['user.*', 'users.created'],
    ['user.*', 'user'],
    ['*.created', 'created'],
    ['a*a', 'a'],
    ['user.created', 'user.created.x'],
    ['USER.*', 'user.x'],
  ] as const)
    t.notOk(globFits(glob, name), `${glob} does not mean ${name}`)
  const pattern = fc.array(fc.constantFrom('a', 'b', '*')).map((all) => all.join(''))
  const name = fc.array(fc.constantFrom('a', 'b')).map((all) => all.join(''))
  fc.assert(
    fc.property(pattern, name, (glob, text) => {
      const regex = new RegExp(`^${glob.replaceAll('*', '.*')}$`)
      t.equal(globFits(glob, text), regex.test(text))
    }),
  )
})

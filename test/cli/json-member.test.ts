import fc from 'fast-check'
import t from 'tap'

import { memberText } from '../../src/cli/json-member.ts'

t.test('a value comes out as it was written', async (t) => {
  for (const [json, text] of [
    ['{"body":12345678901234567890}', '12345678901234567890'],
    ['{"a":1,"body":1.0}', '1.0'],
    ['{ "body" : { "b": [1, 2.50] } , "z":0}', '{ "b": [1, 2.50] }'],
    ['{"body":[],"a":{"body":1}}', '[]'],
    ['{"a":{"body":1},"body":[{"}":"]"}]}', '[{"}":"]"}]'],
    ['{"a":"\\"body\\":1","body":true}', 'true'],
    ['{"b\\u006fdy":null}', 'null'],
    ['{"body":1,"body":2}', '2'],
    ['\t{"body":"\\\\"}\r', '"\\\\"'],
    ['{"a":1}', undefined],
    ['{}', undefined],
    ['{ }', undefined],
  ] as const)
    t.equal(memberText(json, 'body'), text, json)
})

t.test('it is always the text of the value that JSON.parse finds', async () => {
  const spaces = fc.constantFrom(undefined, 1, '\t', '\r\n ')
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.constant('body'), fc.string()), fc.jsonValue(), {
        noNullPrototype: true,
      }),
      spaces,
      (object, space) => {
        const json = JSON.stringify(object, undefined, space)
        const text = memberText(json, 'body')
        const parsed = JSON.parse(json) as Record<string, unknown>
        if (!Object.hasOwn(parsed, 'body')) return text === undefined
        return (
          text !== undefined &&
          JSON.stringify(JSON.parse(text)) === JSON.stringify(parsed['body'])
        )
      },
    ),
    { numRuns: 500 },
  )
})

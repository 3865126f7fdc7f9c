import t from 'tap'

import { memberText } from '../../src/intake/json-member.ts'

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

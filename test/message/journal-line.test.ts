import { readFileSync, readdirSync } from 'node:fs'

import t from 'tap'

import { EVENTS, dayOf, isDay, parseJournalLine } from '../../src/message/journal-line.ts'

t.test('what is no line is none', async (t) => {
  const line = { at: '2026-11-20T10:00:00.000Z', event: 'delivered', id: 'X', more: 1 }
  t.strictSame(parseJournalLine(JSON.stringify(line)), line, 'unknown members stay')
  const bad = ['', 'x', '{', '[]', 'null', '{}', '{"at":"now","event":"x","id":"X"}']
  for (const member of ['at', 'event', 'id'])
    bad.push(JSON.stringify({ ...line, [member]: 1 }))
  for (const text of bad) t.equal(parseJournalLine(text), undefined, text)
})

t.test('days are those of UTC', async (t) => {
  t.equal(dayOf(Date.parse('2026-11-20T23:59:59.999Z')), '2026-11-20')
  t.equal(dayOf(Date.parse('2026-11-21T00:30:00+01:00')), '2026-11-20')
  t.ok(isDay('2026-11-20'))
  for (const text of ['2026-13-01', '2026-11-2', 'x2026-11-20', ''])
    t.notOk(isDay(text), text)
})

t.test('docs/journal.md and docs/log.md name all that can be met', async (t) => {
  const textOf = (file: string) => readFileSync(file, 'utf8')
  const journal = textOf('docs/journal.md')
  for (const event of EVENTS) t.match(journal, `\`${event}\``, event)
  const line = /export interface JournalLine \{[^]*?\n\}/.exec(
    textOf('src/message/journal-line.ts'),
  )![0]
  const members = [...line.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name!)
  t.ok(members.includes('children'))
  for (const name of members) t.match(journal, `| \`${name}\` `, name)

  const log = textOf('docs/log.md')
  for (const folder of ['src/delivery', 'src/daemon'])
    for (const file of readdirSync(folder)) {
      const text = textOf(`${folder}/${file}`)
      // What is noted in the journal has its time.
      for (const [, at, name] of text.matchAll(/(at: [^,]+,\s+)?\bevent: '([a-z]+)'/g))
        if (at === undefined)
          t.ok(new RegExp(`[\`"]${name}[\`"]`).test(log), `${file}: ${name}`)
    }
})

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { DRAFT_FIELDS } from '../../../src/message/draft.ts'
import { STATES } from '../../../src/message/state.ts'
import { MOVES } from '../../../src/queue/spool/moves.ts'
import { parseName } from '../../../src/queue/spool/name.ts'
import { Yard } from './yard.ts'

const readme = readFileSync(
  fileURLToPath(new URL('../../../spool/README.md', import.meta.url)),
  'utf8',
)

/** The cells of the table below a heading, without its head. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The first block of code below a heading. */
function code(heading: string): string {
  const section = readme.split(`\n## ${heading}\n`)[1] ?? ''
  return /```\w*\n(.*?)```/s.exec(section)?.[1] ?? ''
}

void t.test('the table of moves is the one that the code keeps', async (t) => {
  const told = table('The moves').map(([from, to, when]) => ({
    from,
    to: to === '(gone)' ? 'gone' : to,
    when,
  }))
  t.strictSame(told, MOVES)
})

void t.test('the folders are those that are made', async (t) => {
  const told = table('The folders').map(([folder]) => folder!.replaceAll(/[`/]/g, ''))
  t.strictSame(told, [...STATES, 'keys', 'log', 'suspended', 'run'])
})

void t.test(
  'every step of the crash table says what is left, and who mends it',
  async (t) => {
    const rows = table('What a crash leaves')
    t.ok(rows.length >= 15)
    for (const row of rows) {
      t.equal(row.length, 4)
      t.notOk(row.includes(''), `${row[0]}`)
    }
    const steps = rows.map(([step]) => step).join(' ')
    for (const word of [
      'send',
      'adopt',
      'claim',
      'deliver',
      'defer',
      'bounce',
      'hold',
      'delete',
      'suspend',
      'resume',
      'recovery',
    ])
      t.match(steps, word)
  },
)

void t.test('the name that it shows is one', async (t) => {
  const [name] = code('The name').split('\n')
  t.match(parseName(name!), { tries: 3, lane: 'crm' })
})

void t.test('every member that a sender may say is named', async (t) => {
  for (const field of DRAFT_FIELDS) t.match(readme, `\`${field}\``)
})

void t.test('the four lines of shell make a message', async (t) => {
  const yard = await Yard.open(t)
  const order = Buffer.from('{"order":1}\n\n')
  writeFileSync(join(yard.root, 'order.json'), order)
  execFileSync('sh', ['-eu', '-c', code('A message by hand')], { cwd: yard.root })
  const [lease, ...others] = await yard.adopt()
  t.strictSame(others, [])
  t.match(lease, { lane: 'crm', envelope: { contentType: 'application/json' } })
  t.ok((await yard.bodyOf(lease!)).equals(order))
})

import { copyFileSync } from 'node:fs'
import { join } from 'node:path'

import { Command } from 'commander'
import t from 'tap'
import type { Test } from 'tap'

import type { Io } from '../../src/cli/command.ts'
import { findStory } from '../../src/cli/story.ts'
import { addSelectorOptions, selectorOf } from '../../src/cli/selection.ts'
import type { Selection, SelectorOptions } from '../../src/cli/selection.ts'
import { HOUR, MINUTE, NOON, World } from './world.ts'

/** What a command makes of these words and options. */
async function select(
  world: World,
  argv: readonly string[],
  stdin = '',
): Promise<Selection> {
  const command = new Command().argument('[ID...]').exitOverride()
  addSelectorOptions(command).parse([...argv], { from: 'user' })
  async function* input() {
    yield Buffer.from(stdin)
  }
  const io = { stdin: input(), clock: world.clock } as unknown as Io
  return selectorOf(command.args, command.opts<SelectorOptions>(), io, world.engine)
}

async function refused(
  t: Test,
  world: World,
  argv: readonly string[],
  error: { code: string; message?: RegExp; hint?: RegExp },
  stdin?: string,
): Promise<void> {
  await t.rejects(select(world, argv, stdin), error, argv.join(' '))
}

t.test('options become one selector, and all of them must hold', async (t) => {
  const world = await World.open(t)
  const { selector, named, all, given } = await select(world, [
    '--to',
    'crm,ops',
    '--to',
    'https://Example.com/x',
    '--state',
    'hold,bounce',
    '--state',
    'deferred',
    '--tries-over',
    '3',
    '--limit',
    '10',
  ])
  t.strictSame(selector, {
    lanes: ['crm', 'ops', '=example.com_443'],
    states: ['hold', 'bounce', 'deferred'],
    triesOver: 3,
    limit: 10,
  })
  t.strictSame([named, all, given], [false, false, true])
})

t.test('ages and times narrow each other', async (t) => {
  const world = await World.open(t)
  const times = async (...argv: string[]) => {
    const { before, after } = (await select(world, argv)).selector
    return [after, before].map((time) => (time === undefined ? undefined : time - NOON))
  }
  t.strictSame(await times('--older-than', '4h'), [undefined, -4 * HOUR])
  t.strictSame(await times('--newer-than', '90m'), [-90 * MINUTE, undefined])
  t.strictSame(await times('--since', '11:00', '--until', '11:30'), [-HOUR, -HOUR / 2])
  t.strictSame(await times('--since', '13:00'), [-23 * HOUR, undefined], 'the last 13:00')
  t.strictSame(await times('--since', '2026-11-20T10:00Z', '--newer-than', '1h'), [
    -HOUR,
    undefined,
  ])
  t.strictSame(await times('--until', '@0', '--older-than', '1h'), [undefined, -NOON])
})

t.test('what only a file says is asked by parts of their own', async (t) => {
  const world = await World.open(t)
  const argv = [
    '--reason',
    '401, they say',
    '--reason',
    'x',
    '--event',
    'user.*,order.paid',
  ]
  const { selector, given } = await select(world, [
    ...argv,
    ...['--key', 'a,b', '--sender', 'ann,1000'],
  ])
  t.strictSame(selector, {
    reasons: ['401, they say', 'x'],
    events: ['user.*', 'order.paid'],
    keys: ['a,b'],
    senders: ['ann', '1000'],
  })
  t.equal(given, true)
})

t.test('what was chosen is told from what was not', async (t) => {
  const world = await World.open(t)
  const flags = async (...argv: string[]) => {
    const { named, all, given } = await select(world, argv)
    return [named, all, given]
  }
  t.strictSame(await flags(), [false, false, false])
  t.strictSame(
    await flags('--limit', '5'),
    [false, false, false],
    'a limit chooses nothing',
  )
  t.strictSame(await flags('ALL'), [false, true, true])
  t.strictSame(await flags('ALL', '--to', 'crm'), [false, true, true])
  t.strictSame(await flags('--state', 'hold'), [false, false, true])
  t.strictSame(
    await flags('-'),
    [true, false, true],
    'an empty list names nothing, not all',
  )
  t.strictSame((await select(world, ['-'])).selector, { ids: [] })
})

t.test('ids are found by an ending of six or more, in any case', async (t) => {
  const world = await World.open(t)
  const first = await world.send({ to: 'crm' })
  const second = await world.send({ to: 'ops' })
  for (const word of [
    first,
    first.toLowerCase(),
    first.slice(-6),
    first.slice(-8).toLowerCase(),
  ]) {
    const { selector, named, entries, absent } = await select(world, [word])
    t.strictSame(selector, { ids: [first] }, word)
    t.equal(named, true)
    t.match(entries, [{ id: first, state: 'incoming', lane: 'crm' }])
    t.strictSame(absent, [])
  }
  t.strictSame((await select(world, [second, first.slice(-7), '--to', 'crm'])).selector, {
    lanes: ['crm'],
    ids: [first, second],
  })
  t.match(await findStory(second.slice(-6), world.engine), { id: second })
})

t.test('ids come from stdin, one a line', async (t) => {
  const world = await World.open(t)
  const first = await world.send({ to: 'crm' })
  const second = await world.send({ to: 'ops' })
  const { selector } = await select(world, ['-'], `\n${first}\r\n ${second.slice(-8)}\n`)
  t.strictSame(selector, { ids: [first, second] })
  await refused(
    t,
    world,
    ['-'],
    {
      code: 'data',
      message: /^stdin: line 2: is no id: "R7T8Y9V0 active 1\.2K"/,
      hint: /--ids/,
    },
    `${first}\nR7T8Y9V0 active 1.2K\n`,
  )
})

t.test('an id that nobody has does not hide the others', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm' })
  const { selector, absent } = await select(world, ['zzzzzz', id, 'ZZZZZZ', 'YYYYYYYY'])
  t.strictSame(selector, { ids: [id] })
  t.strictSame(absent, ['ZZZZZZ', 'YYYYYYYY'])
  await t.rejects(findStory('zzzzzz', world.engine), {
    code: 'no-input',
    message: 'no such message: ZZZZZZ',
  })
})

t.test('an ending that fits two ends it, and both are named', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm' })
  const twin = `${id.slice(0, 12)}${id[12] === '7' ? '8' : '7'}${id.slice(13)}`
  const [name = ''] = world.files('incoming')
  copyFileSync(
    join(world.spool, 'incoming', name),
    join(world.spool, 'hold', name.replace(id, twin)),
  )
  await refused(t, world, [id.slice(-6)], {
    code: 'no-input',
    message: new RegExp(`^${id.slice(-6)}: fits 2 messages, nothing was done$`),
    hint: new RegExp(`${id} \\(incoming, crm\\)`),
  })
  t.strictSame((await select(world, [id])).selector, { ids: [id] })
  t.strictSame((await select(world, [twin])).selector, { ids: [twin] })
})

t.test('what is no selector is a usage error', async (t) => {
  const world = await World.open(t)
  for (const [argv, message, hint] of [
    [['12345'], /^is no id: "12345"/, /--to NAME/],
    [['ILOU12'], /^is no id/, /26 characters/],
    [['all'], /^is no id: "all"/, /ALL in capitals/],
    [['crm'], /^is no id: "crm"/, /--to NAME/],
    [['ALL', '9V0A1P'], /^ALL: stands alone/, /./],
    [['--to', ''], /^--to: is neither a destination nor a URL: ""/, /./],
    [['--to', 'a b'], /^--to: /, /./],
    [['--to', 'https://'], /^--to: /, /./],
    [
      ['--state', 'defered'],
      /^--state: no such state: "defered"/,
      /did you mean deferred\?/,
    ],
    [['--state', 'sent'], /^--state: no such state/, /incoming/],
    [['--older-than', '5'], /^--older-than: is no span of time: "5"/, /90s/],
    [['--newer-than', 'x'], /^--newer-than: /, /./],
    [['--since', 'yesterday'], /^--since: is no time: "yesterday"/, /09:00/],
    [['--until', '25:00'], /^--until: is no time/, /./],
    [['--tries-over', '-1'], /^--tries-over: is no number from 0: "-1"/, undefined],
    [['--tries-over', 'x'], /^--tries-over: /, undefined],
    [['--limit', '0'], /^--limit: is no number from 1: "0"/, undefined],
    [['--limit', '1e3'], /^--limit: /, undefined],
    [['--reason', ''], /^--reason: is empty/, undefined],
    [['--event', 'a,'], /^--event: is empty/, undefined],
    [['--key', ''], /^--key: is empty/, undefined],
    [['--sender', ''], /^--sender: is empty/, undefined],
  ] as const)
    await refused(t, world, argv, { code: 'usage', message, ...(hint ? { hint } : {}) })
})

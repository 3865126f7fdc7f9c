/**
 * schema - a body that its receiver would refuse is refused at each door, and nothing of it is queued.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { MisfitError, open } from '../../src/index.ts'
import { socketPath } from '../../src/queue/open.ts'
import { ask } from '../intake/ask.ts'
import { Machine } from './machine.ts'

const CHAT = {
  type: 'object',
  required: ['room', 'text'],
  additionalProperties: false,
  properties: { room: { type: 'string', pattern: '^[a-z]+$' }, text: { type: 'string' } },
}
const GOOD = '{"room":"a","text":"hi"}'
const BAD = '{"room":"A","text":"hi"}'
const WHY = 'body: /room: wants a text that fits ^[a-z]+$, and there is "A"'
const STATES = ['incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt']

t.test('each door, a reload, and what an event becomes', async (t) => {
  const machine = new Machine(t)
  const file = (name: string) => join(machine.configFile, '..', name)
  const write = (name: string, schema: object) =>
    writeFileSync(file(name), JSON.stringify(schema))
  const sink = await machine.sink()
  const config = (chat: string, template = '{{user.room}}') => `
[destinations.chat]
type = "http"
url = "${sink.url}/chat"
${chat}
[destinations.plain]
type = "http"
url = "${sink.url}/plain"
[events.schema]
"user.*" = "user.json"
[[routes]]
event = "user.*"
to = "chat"
template = '{"room": "${template}", "text": "{{user.name}} is new"}'
`
  write('chat.json', CHAT)
  write('user.json', { type: 'object', required: ['user'] })
  machine.configure(config('schema = "chat.json"'))
  await machine.start()
  const count = () => STATES.reduce((sum, state) => sum + machine.files(state).length, 0)

  await t.test('msgq send', async (t) => {
    const refusals: [words: string[], why: string | RegExp][] = [
      [
        ['chat', '--json', BAD],
        `msgq: send: ${WHY}\n  hint: the schema of chat says so: chat.json\n`,
      ],
      [['plain,chat', '--json', BAD], /\/room: wants/],
      [['chat', '-d', ''], /body: is no JSON: is empty/],
      [['chat', '--dry-run', '--json', '{}'], /body: \/room: is missing/],
      [
        ['--event', 'user.created', '--json', '{}'],
        /body: \/user: is missing\n.* of event user\.created says so: user\.json/,
      ],
    ]
    const asked = refusals.map(async ([words, why]) => {
      const { code, out, err } = await machine.msgq('send', ...words)
      t.same([code, out], [65, ''], words.join(' '))
      t.match(err, why)
    })
    await Promise.all(asked)
    t.equal(count(), 0, 'nothing is queued, for nobody')
    const lines = `{"to":"chat","body":${BAD}}\n{"to":"chat","body":${GOOD}}\n`
    const [piped, good, plain, other, batch, wrap] = await Promise.all([
      machine.run('msgq', ['send', 'chat'], BAD),
      machine.run('msgq', ['send', 'chat'], GOOD),
      machine.msgq('send', 'plain', BAD),
      machine.msgq('send', '--event', 'other', '--json', '{}'),
      machine.run('msgq', ['send', '--batch'], lines),
      machine.msgq('wrap', 'chat', '--', 'false'),
    ])
    t.equal(piped.code, 65, 'by a pipe')
    for (const { code, err } of [good, plain, other]) t.equal(code, 0, err)
    await machine.until('three arrive', () => sink.requests === 3)
    t.equal(batch.code, 65)
    t.match(batch.err, `send: line 1: ${WHY}`)
    t.match(batch.out, /^[0-9A-Z]{26}\n$/, 'the other line is kept')
    t.equal(wrap.code, 1, 'the code of the command')
    t.match(wrap.err, /report could not be queued: body: is no JSON/)
  })

  await t.test('HTTP', async (t) => {
    const { path: submit, release } = socketPath(machine.spool, 'submit.sock')
    t.teardown(release)
    const raw = await ask(submit, '/v1/messages?to=chat', { body: BAD })
    t.equal(raw.status, 400)
    t.same(raw.json, {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'schema',
      detail: WHY,
      field: 'body',
      pointer: '/room',
      hint: 'the schema of chat says so: chat.json',
    })
    const headers = { 'content-type': 'application/json' }
    const body = `{"to":"chat","body":"hello","key":"k"}`
    const text = await ask(submit, '/v1/messages', { headers, body })
    t.match(text.json, { status: 400, code: 'schema', pointer: '', detail: /is no JSON/ })
    const event = await ask(submit, '/v1/messages?event=user.x', { body: '[]' })
    t.match(event.json, { code: 'schema' })
    const lines = { 'content-type': 'application/x-ndjson' }
    const many = `{"to":"chat","body":${BAD}}\n{"to":"chat","body":${GOOD},"key":"k"}\n`
    const answers = await ask(submit, '/v1/messages', { headers: lines, body: many })
    const told = answers.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    t.match(told, [
      { line: 1, status: 400, code: 'schema', pointer: '/room' },
      { line: 2, status: 202 },
    ])
  })

  await t.test('the library', async (t) => {
    await using queue = await open({
      env: { MSGQ_CONFIG: machine.configFile, MSGQ_ANY_FILESYSTEM: '1' },
    })
    const error = await queue
      .send({ to: 'chat', body: { room: 'A' } })
      .catch((e: unknown) => e)
    t.ok(error instanceof MisfitError)
    t.match(error, {
      code: 'data',
      exitCode: 65,
      pointer: '/text',
      message: 'body: /text: is missing',
    })
    const sent = await queue.sendMany([
      { to: 'chat', json: { room: 'a', text: 'b' } },
      { to: 'chat', json: { room: 'a', text: 3 } },
      { event: 'user.x', body: 'x' },
    ])
    t.match(sent, [
      { id: /./ },
      { error: { pointer: '/text' } },
      { error: { pointer: '' } },
    ])
  })

  await t.test('a file by hand: to corrupt/, with the reason, and back', async (t) => {
    const byHand = (body: string) => {
      const name = join(machine.spool, 'incoming', '.by-hand')
      const length = Buffer.byteLength(body)
      writeFileSync(
        name,
        `{"to":"chat","contentType":"application/json","bytes":${length}}\n${body}`,
      )
      renameSync(name, join(machine.spool, 'incoming', 'by-hand'))
    }
    byHand(BAD)
    await machine.until('it is put aside', () => machine.files('corrupt').length === 1)
    const [name = ''] = machine.files('corrupt')
    const path = join(machine.spool, 'corrupt', name)
    const reason = () => readFileSync(path, 'utf8').slice(-400)
    await machine.until('the reason stands there', () => reason().includes('wants a text'))
    t.match(
      reason(),
      /body: \/room: wants a text .* and there is a text \(the schema of chat/,
    )
    t.notMatch(machine.log, /is "A"/, 'the log says nothing of what stands in it')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"A"', '"b"'))
    const before = sink.requests
    const [, , id = ''] = name.split(/[,@]/)
    const requeued = await machine.msgq('requeue', id)
    t.equal(requeued.code, 0, requeued.err)
    await machine.until('it arrives', () => sink.requests > before)
    t.same(machine.files('corrupt'), [])
  })

  await t.test('what an event becomes is held, and heals', async (t) => {
    const { code, out, err } = await machine.msgq(
      'send',
      '--event',
      'user.x',
      '--json',
      '{"user":{"name":"Ann"}}',
    )
    t.equal(code, 0, err)
    await machine.until('it is held', () => machine.files('hold').length === 1)
    const held = await machine.msgq('mailq', '--state', 'hold')
    t.match(held.out, /what goes out is not what chat takes: \/room: wants a text/)
    const route = await machine.msgq(
      'route',
      '--event',
      'user.x',
      '-d',
      '{"user":{"name":"Ann"}}',
    )
    t.match(route.out, /held: the schema refuses .*: \/room: wants a text/)
    machine.configure(config('schema = "chat.json"', 'lobby'))
    t.equal((await machine.msgq('reload')).code, 0)
    const before = sink.requests
    t.equal((await machine.msgq('release', 'ALL')).code, 0)
    await machine.until('it goes out', () => sink.requests > before)
    t.ok(out)
  })

  await t.test('a reload takes another schema, and refuses a bad one', async (t) => {
    write('chat.json', { ...CHAT, properties: { room: {}, text: {} } })
    t.equal((await machine.msgq('send', 'chat', '--json', BAD)).code, 65, 'not yet')
    t.equal((await machine.msgq('reload')).code, 0)
    const taken = await machine.msgq('send', 'chat', '--json', BAD)
    t.equal(taken.code, 0, taken.err)
    write('chat.json', { type: 'nubmer' })
    const reload = await machine.msgq('reload')
    t.not(reload.code, 0)
    t.match(reload.err, /chat\.schema: .*chat\.json: \/type: wants one of/)
    const still = await machine.msgq('send', 'chat', '--json', '{"room":1}')
    t.equal(still.code, 65, 'what is in force still counts')
    machine.configure(config('schema = "chat.json"\n# touched'))
    const unchecked = await machine.msgq('send', 'chat', '--json', '{"room":1}')
    t.equal(unchecked.code, 0)
    t.match(unchecked.err, /taken unchecked, the configuration has a fault: .*chat\.json/)
  })
})

import t from 'tap'

import { Machine } from './machine.ts'

const BODY = '{"user":{"name":"Ann \\"A\\" Lee","role":"admin"},"level":"info"}'

void t.test('one event to four: one is down, one is filtered out', async (t) => {
  const machine = new Machine(t)
  const [crm, chat, pager] = await Promise.all([1, 2, 3].map(() => machine.sink()))
  const down = await machine.sink({ answers: ['503'] })
  const destinations = Object.entries({ crm, chat, pager, down }).map(
    ([name, sink]) =>
      `[destinations.${name}]\ntype = "http"\nurl = "${sink!.url}/${name}"\n`,
  )
  machine.configure(`${destinations.join('')}
[[routes]]
event = "user.*"
to = ["crm", "down"]

[[routes]]
event = "user.created"
to = "chat"
filter = 'user.role == "admin"'
template = '{"text": "{{user.name}} is new ({{event}}, {{destination}})"}'

[[routes]]
event = "*"
to = "pager"
filter = 'level == "critical"'
`)
  await machine.start()
  const sent = await machine.msgq(
    'send',
    '--event',
    'user.created',
    '--json',
    BODY,
    '--key',
    'k',
  )
  t.equal(sent.code, 0, sent.err)
  const again = await machine.msgq(
    'send',
    '--event',
    'user.created',
    '--json',
    BODY,
    '--key',
    'k',
  )
  t.equal(again.code, 0, 'a repeat is dropped')
  const other = await machine.msgq('send', '--event', 'nobody.knows', '--json', '{}')
  await machine.until('two arrive', () => crm!.requests > 0 && chat!.requests > 0)
  await machine.until('the third is tried again', () => down.requests > 2)
  await machine.until('what has no route bounces', () => machine.files('bounce').length > 0)
  t.equal(pager!.requests, 0)
  t.equal(crm!.requests, 1)
  t.equal(chat!.requests, 1)
  t.match(machine.files('bounce'), [new RegExp(`${other.out.trim()}@_event`)])
  const told = await machine.msgq('log', '--json')
  const lines = told.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const expanded = lines.find(({ event }) => event === 'expanded')
  t.match(expanded, { id: sent.out.trim(), to: 'user.created' })
  t.equal((expanded!['children'] as string[]).length, 3)
  t.match(
    lines.find(({ event }) => event === 'bounced'),
    { reason: /^no route takes event "nobody.knows": routes.2: level is not there$/ },
  )
  const shown = await machine.msgq('mailq', '--event', 'user.*', '--json')
  t.match(JSON.parse(shown.out.split('\n')[0]!), { lane: 'down' })
})

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

void t.test(
  'waiting for an event, mending a template, and a route that comes back',
  async (t) => {
    const machine = new Machine(t)
    const [crm, chat, down] = await Promise.all([
      machine.sink(),
      machine.sink(),
      machine.sink({ answers: ['404'] }),
    ])
    const destinations = Object.entries({ crm, chat, down })
      .map(([name, { url }]) => `[destinations.${name}]\ntype = "http"\nurl = "${url}/"\n`)
      .join('')
    const configure = (...routes: string[]) =>
      machine.configure(
        `${destinations}${routes.map((it) => `[[routes]]\n${it}\n`).join('')}`,
      )
    const wait = (event: string, body: string, span = '10s') =>
      machine.msgq('send', '--wait', '--timeout', span, '--event', event, '--json', body)
    const toCrm = 'event = "a"\nto = "crm"'
    const toChat = `event = "b"\nto = "chat"\ntemplate = '{"n":{{{n}}}}'`
    configure(toCrm, toChat, 'event = "a"\nto = "down"\nfilter = "n == 2"')
    await machine.start()

    const good = await wait('a', '{"n":1}')
    t.equal(good.code, 0, good.err)
    t.equal(crm.requests, 1, 'it is there when send ends')
    const worst = await wait('a', '{"n":2}')
    t.equal(worst.code, 1, 'as the worst of what it became')
    t.match(worst.err, /became [0-9A-Z]{26}: bounced.*404/)
    const nobody = await wait('z', '{}')
    t.equal(nobody.code, 1)
    t.match(nobody.err, /no route for event "z"/)

    const held = await wait('b', '{"n":"x"}')
    t.equal(held.code, 3, held.err)
    t.match(held.err, /its template makes no JSON: .*; msgq release/)
    t.equal(chat.requests, 0)
    configure(toCrm, toChat.replace('{{{n}}}', '"{{n}}"'))
    t.equal((await machine.msgq('reload')).code, 0)
    t.equal((await machine.msgq('release', '--event', 'b')).code, 0)
    await machine.until('what was held arrives', () => chat.requests === 1)

    // What waits while its route is gone is charged nothing, and goes on once there is one again.
    t.equal((await machine.msgq('suspend', 'crm')).code, 0)
    const late = await wait('a', '{"n":3}')
    t.equal(late.code, 3, 'of a lane that is suspended no end is to be seen')
    configure(toChat)
    t.equal((await machine.msgq('reload')).code, 0)
    t.equal((await machine.msgq('resume', 'crm')).code, 0)
    const gone = /no route leads event .* to crm any more/
    const waiting = async () => (await machine.msgq('mailq', '--to', 'crm', '--json')).out
    await machine.until('it says so', async () => gone.test(await waiting()))
    t.match(JSON.parse((await waiting()).split('\n')[0]!), { state: 'deferred', tries: 0 })
    configure(toCrm, toChat)
    t.equal((await machine.msgq('reload')).code, 0)
    t.equal((await machine.msgq('flush', '--to', 'crm')).code, 0)
    await machine.until('it arrives', () => crm.requests === 3)
  },
)

/**
 * route, send --event, show - what would become of an event, what is refused before it is one, and
 * what each of its messages is shown as.
 */
import { join } from 'node:path'

import t from 'tap'

import { put } from '../config/machine.ts'
import { World } from './world.ts'

const TOML = `
[destinations.crm]
type = "http"
url = "https://crm.example/"
[destinations.chat]
type = "slack"
url = "https://hooks.slack.example/x"
[[routes]]
event = "user.*"
to = "crm"
template = '{"id":"{{id}}","n":{{{n}}}}'
[[routes]]
event = "user.*"
to = ["chat", "crm"]
filter = 'n > 1'
[[routes]]
event = "known"
to = []
`

t.test('route shows what each would get, and sends nothing', async (t) => {
  const world = await World.open(t, TOML)
  const route = (event: string, body: string, ...more: string[]) =>
    world.run('route', '--event', event, '-d', body, ...more)
  const json = async (event: string, body: string) => {
    const { code, out } = await route(event, body, '--json')
    const lines = out.trim().split('\n')
    return { code, lines: lines.map((line) => JSON.parse(line) as object) }
  }

  const two = await route('user.created', '{"n":2}')
  t.equal(two.code, 0, two.err)
  t.match(
    two.out,
    /^crm {2}by routes\.0 \(.*msgq\.toml:\d+\), as application\/json\n {2}\{"id":"\(the id\)","n":2\}\n/,
  )
  t.match(two.out, /\nchat {2}by routes\.1 \(.*\)\n {2}\{"n":2\}\n$/)
  t.match(await json('user.created', '{"n":2}'), {
    code: 0,
    lines: [
      {
        to: 'crm',
        route: 'routes.0',
        contentType: 'application/json',
        body: '{"id":"(the id)","n":2}',
      },
      { to: 'chat', route: 'routes.1', body: '{"n":2}' },
    ],
  })

  const held = await route('user.created', '{"n":"x"}')
  t.equal(held.code, 0)
  t.match(
    held.out,
    /^crm .*\n {2}held: its template makes no JSON: .*\nnot by routes\.1 \(.*\): n is "x"\n$/,
  )
  t.match(await json('user.created', '{"n":"x"}'), {
    lines: [
      { to: 'crm', held: /^its template makes no JSON/ },
      { route: 'routes.1', takes: false, why: 'n is "x"' },
    ],
  })

  const none = await route('nobody.knows', '{}')
  t.strictSame([none.code, none.out], [1, 'bounces: no route for event "nobody.knows"\n'])
  t.match(await json('nobody.knows', '{}'), {
    code: 1,
    lines: [{ unrouted: 'bounce', reason: 'no route for event "nobody.knows"' }],
  })
  const known = await route('known', '{}')
  t.equal(known.code, 0)
  t.match(known.out, /^nowhere {2}by routes\.2 \(/)
  for (const state of ['incoming', 'active', 'deferred'] as const)
    t.strictSame(world.files(state), [], state)

  t.equal((await world.run('route', '-d', '{}')).code, 64)
  t.equal((await route('a\nb', '{}')).code, 64)
  t.equal((await route('a', '@/none/such')).code, 66)
  world.configure('[[routes]]\nevent = "a"\nto = "opz"\n')
  t.equal((await route('a', '{}')).code, 78)
})

t.test('an event that is none is refused before anything is queued', async (t) => {
  const world = await World.open(t, TOML)
  const file = put(join(world.folder, 'e.json'), '{"n":')
  const refused: [words: string[], code: number, said: RegExp][] = [
    [
      ['crm', '--event', 'user.created', '-d', 'x'],
      64,
      /--event and TO exclude each other: "crm"/,
    ],
    [
      ['--event', 'user.created', '--dry-run', '-d', 'x'],
      64,
      /--dry-run and --event exclude each other[^]*msgq route --event/,
    ],
    [['--event', '', '-d', 'x'], 64, /event/],
    [['--event', 'a\tb', '-d', 'x'], 64, /event/],
    [['--event', 'user.created', '--json', `@${file}`], 65, /JSON/],
  ]
  for (const [words, code, said] of refused) {
    const ran = await world.run('send', ...words)
    t.equal(ran.code, code, `${words.join(' ')}: ${ran.err}`)
    t.match(ran.err, said)
  }
  t.strictSame(world.files('incoming'), [])
  const taken = await world.run('send', '--event', 'user.created', '--json', '{"n":1}')
  t.equal(taken.code, 0, taken.err)
  t.match(world.files('incoming'), [/@_event/])
})

t.test('show of what an event became names the others, and what goes out', async (t) => {
  const world = await World.open(t, TOML)
  const event = await world.send({ event: 'user.created' }, '{"n":2}')
  const lease = await world.claim('_event')
  await world.engine.settle(lease, { to: 'expanded', destinations: ['crm', 'chat'] })
  await world.engine.noted()
  const [crm, chat] = [await world.claim('crm'), await world.claim('chat')]
  const page = await world.run('show', crm.id)
  t.match(page.out, new RegExp(`parent ${event}\n  siblings  ${chat.id} \\(chat\\)\n`))
  const told = JSON.parse((await world.run('show', crm.id, '--json')).out) as object
  t.match(told, { parent: event, siblings: [chat.id] })
  const curl = await world.run('show', crm.id, '--curl')
  t.equal(curl.code, 0, curl.err)
  t.ok(curl.out.includes(`--data-binary '{"id":"${crm.id}","n":2}'`), curl.out)
  t.ok(curl.out.includes(`-H 'content-type: application/json'`), curl.out)
  const said = await world.run('show', chat.id, '--curl')
  t.ok(said.out.includes(`--data-binary '{"text":"{\\"n\\":2}"}'`), said.out)

  // One that is gone knows the others as well, and is known to them.
  await world.deliver(chat, { to: 'chat' })
  t.match((await world.run('show', chat.id)).out, `siblings  ${crm.id} (crm)`)
  t.match((await world.run('show', crm.id)).out, `siblings  ${chat.id} (chat)`)
  const past = JSON.parse((await world.run('show', chat.id, '--json')).out) as object
  t.match(past, { siblings: [crm.id] })

  world.configure(TOML.replace('{{{n}}}', '{{{none}}}'))
  const none = await world.run('show', crm.id, '--curl')
  t.equal(none.code, 65)
  t.match(
    none.err,
    /its template makes no JSON: [^]*--body prints what the template is given/,
  )
  const alone = await world.send({ to: 'crm' })
  t.notMatch((await world.run('show', alone)).out, 'siblings')
})

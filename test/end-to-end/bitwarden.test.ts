/**
 * bitwarden - the example of docs/examples/bitwarden, as it stands there: one event to a webhook,
 * to Slack while Slack is down, and to Teams with a key that was revoked.
 */
import { cpSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { dirname, join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { Machine } from './machine.ts'

const EXAMPLE = 'docs/examples/bitwarden'

interface Arrival {
  readonly id: string
  readonly path: string
  readonly status: number
  readonly body: string
}

/** The three services in one: what each was told, and whether Slack is up and which key is good. */
async function services(t: Test) {
  const state = { isSlackUp: false, goodKey: 'new', arrivals: [] as Arrival[] }
  const answer = (url: URL): [number, string] => {
    switch (url.pathname) {
      case '/slack':
        return state.isSlackUp ? [200, 'ok'] : [503, 'upstream connect error']
      case '/teams':
        return url.searchParams.get('sig') === state.goodKey
          ? [202, '']
          : [403, '{"error":{"code":"AuthorizationFailed"}}']
      default:
        return [200, '']
    }
  }
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    const url = new URL(request.url!, 'http://localhost')
    const [status, said] = answer(url)
    const id = String(request.headers['webhook-id'])
    state.arrivals.push({ id, path: url.pathname, status, body })
    response.writeHead(status, { 'content-type': 'text/plain' }).end(said)
  }
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const at = (path: string) => state.arrivals.filter((arrival) => arrival.path === path)
  const { port } = server.address() as AddressInfo
  return { state, at, url: `http://127.0.0.1:${port}` }
}

void t.test('one is down, one lost its key, and nobody else notices', async (t) => {
  const machine = new Machine(t)
  const { state, at, url } = await services(t)
  const folder = dirname(machine.configFile)
  cpSync(EXAMPLE, folder, { recursive: true })
  const put = (name: string, secret: string) =>
    writeFileSync(join(folder, name), `${secret}\n`, { mode: 0o600 })
  for (const name of ['webhook', 'slack', 'datadog']) put(`${name}-url`, `${url}/${name}`)
  put('teams-url', `${url}/teams?sig=old`)
  put('datadog-key', 'k')
  const body = `@${join(folder, 'event.json')}`
  const send = async () => {
    const words = ['--json', body, '-s', 'New admin', '--level', 'warning']
    const { code, out, err } = await machine.msgq(
      'send',
      '--event',
      'user.created',
      ...words,
    )
    t.equal(code, 0, err)
    return out.trim()
  }
  const log = async () =>
    (await machine.msgq('log', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const waiting = () => machine.files('incoming').length + machine.files('deferred').length
  const isSuspended = () => machine.files('suspended').includes('teams')

  const shown = await machine.msgq('route', '--event', 'user.created', '-d', body, '--json')
  t.equal(shown.code, 0, shown.err)
  t.strictSame(
    shown.out.match(/"to":"[^"]+"/g),
    ['webhook', 'slack', 'teams'].map((name) => `"to":"${name}"`),
  )

  await machine.start()
  const id = await send()
  await machine.until('each was tried', () => state.arrivals.length >= 3 && isSuspended())
  await machine.until('two wait', () => waiting() === 2)

  t.equal(at('/webhook').length, 1)
  const hook = JSON.parse(at('/webhook')[0]!.body) as object
  t.strictSame(hook, {
    id: at('/webhook')[0]!.id,
    event: 'user.created',
    at: '2026-11-20T09:30:00Z',
    organization: 'Smith & Sons',
    user: { name: 'Ann "Annie" Lee', email: 'ann@example.com', type: 'admin' },
  })
  t.strictSame(JSON.parse(at('/slack')[0]!.body), {
    text:
      '⚠️ *New admin*\nAnn "Annie" Lee &lt;ann@example.com&gt; is a new admin of Smith &amp; Sons.\n' +
      'Created by Bob Ray from 192.0.2.7, Chrome browser.\n',
  })
  t.match(JSON.parse(at('/teams')[0]!.body), {
    attachments: [
      {
        content: {
          body: [
            { text: '⚠️ New admin', color: 'warning' },
            { text: /^Ann "Annie" Lee <ann@example.com> is .*\n\nCreated by Bob Ray/ },
          ],
        },
      },
    ],
  })
  t.strictSame(at('/datadog'), [], 'its filter says no')
  for (const path of ['/slack', '/teams'])
    t.ok(
      at(path).every(({ status }) => status >= 400),
      path,
    )

  // The same again while both are in trouble: the webhook hears of it, Teams is not asked at all.
  const second = await send()
  await machine.until('the webhook again', () => at('/webhook').length === 2)
  await machine.until('four wait', () => waiting() === 4)
  t.equal(at('/teams').length, 1, 'a key that is no good is not tried again')
  const status = await machine.msgq('status')
  t.match(status.out, /^slack +(?!suspended)/m)
  t.match(status.out, /^teams +suspended/m)
  t.match(
    status.out,
    /403 Forbidden: .* \(teams: suspend, the workflow is gone, or its URL/,
  )

  state.isSlackUp = true
  t.equal((await machine.msgq('flush', '--to', 'slack')).code, 0)
  const taken = (path: string) => at(path).filter((arrival) => arrival.status < 300)
  await machine.until('Slack has both', () => taken('/slack').length === 2)
  t.ok(isSuspended(), 'what Slack does is nothing to Teams')
  t.equal(at('/teams').length, 1)

  // The URL with the new key is pasted into its file.
  put('teams-url', `${url}/teams?sig=new`)
  await machine.until('Teams has both', () => taken('/teams').length === 2)
  t.notOk(isSuspended())

  // Revoked and mended on the other side: a person lets it go on.
  state.goodKey = 'newer'
  const third = await send()
  await machine.until('suspended again', isSuspended)
  await machine.until('one waits', () => waiting() === 1)
  state.goodKey = 'new'
  t.equal((await machine.msgq('resume', 'teams')).code, 0)
  await machine.until('Teams has all', () => taken('/teams').length === 3)
  await machine.until('the spool is empty', () =>
    ['incoming', 'active', 'deferred'].every((name) => machine.files(name).length === 0),
  )
  for (const name of ['bounce', 'hold', 'corrupt']) t.strictSame(machine.files(name), [])
  t.equal(at('/webhook').length, 3, 'nobody heard it twice')
  t.equal(taken('/slack').length, 3)
  t.strictSame(at('/datadog'), [])

  const lines = await log()
  for (const parent of [id, second, third]) {
    const { children } = lines.find(
      (it) => it['event'] === 'expanded' && it['id'] === parent,
    )!
    const ends = (children as string[]).map((child) => {
      const own = lines.filter((it) => it['id'] === child)
      t.equal(own[0]!['parent'], parent)
      return own.at(-1)
    })
    t.match(
      ends,
      ['webhook', 'slack', 'teams'].map((to) => ({ to, event: 'delivered' })),
    )
  }
})

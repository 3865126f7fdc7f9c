/**
 * secrets - a receiver that repeats all that it was told, and the places where a person could
 * read it: no secret of a destination is in any of them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { Machine } from './machine.ts'

/** Every secret holds this word, and nothing else does. */
const WORD = /hunter/i
/** The statuses of the attempts at a message, one after the other. */
const STATUSES = [503, 599, 429, 302]

/** Answers with all that it was told, many times over, in the head and in the body. */
async function echo(t: Test): Promise<{ url: string; told: string[] }> {
  const told: string[] = []
  const times = new Map<unknown, number>()
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const all = everything(request)
      told.push(all)
      const time = times.get(request.headers['webhook-id']) ?? 0
      times.set(request.headers['webhook-id'], time + 1)
      const status = STATUSES[time] ?? 400
      response.writeHead(status, all, {
        location: `http://127.0.0.1${request.url}`,
        'x-echo': all,
      })
      const json = JSON.stringify({ url: request.url, headers: request.headers })
      // In one form after the other, and beyond what is kept, so that the cut goes through them.
      response.end(time === 1 ? json.repeat(50) : all.repeat(50))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, told }
}

function everything({ url, headers }: IncomingMessage): string {
  const { authorization = '', 'x-api-key': key = '', 'x-plain': plain = '' } = headers
  const basic = /^Basic (.*)$/.exec(authorization)?.[1]
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString()
  return [url, authorization, String(key), String(plain), pair].join(' ').trim()
}

/** The text of all files below a folder. */
function filesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

void t.test('a receiver repeats every secret, and none is to be seen', async (t) => {
  process.env['ECHO_TOKEN'] = 'q7-"hunter"&<two>/three'
  t.teardown(() => delete process.env['ECHO_TOKEN'])
  const machine = new Machine(t)
  const { url, told } = await echo(t)
  const folder = join(machine.spool, '..')
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
  put('url', `${url}/hooks/T01-hunter-path/B02-hunter-part?key=k-hunter-query\n`)
  put('password', 'p4-hunter-word\n')
  put('key', 'k5-hunter-key\n')
  put('torn', 'torn-hunter\nhunter-torn\n')
  machine.configure(`max = "200ms"
[log]
level = "trace"
[destinations.bearer]
type = "http"
url = { file = "url" }
auth = { bearer = { env = "ECHO_TOKEN" } }
[destinations.basic]
type = "http"
url = "${url}/plain/secret-hunter-path"
auth = { basic = { user = "me", password = { file = "password" } } }
headers = { x-api-key = { file = "key" }, x-plain = { file = "key" } }
[destinations.torn]
type = "http"
url = "${url}/"
auth = { bearer = { file = "torn" } }
`)
  const daemon = await machine.start()
  const ids: string[] = []
  const said: string[] = []
  const run = async (...words: string[]) => {
    const { out, err } = await machine.look(...words)
    said.push(`$ msgq ${words[0]}\n${out}${err}`)
    return out
  }
  for (const name of ['bearer', 'basic', 'torn'])
    ids.push((await run('send', name, '-d', 'hello')).trim())
  const bare = (
    await machine.msgq('send', `${url}/bare/hunter-in-a-url`, '-d', 'x')
  ).out.trim()
  await machine.until('three bounce', () => machine.files('bounce').length === 3)
  await machine.until('one waits', () => machine.log.includes('torn'))
  t.equal(told.filter((text) => WORD.test(text)).length, 3 * STATUSES.length)

  for (const view of ['mailq', 'status', 'config', 'check'])
    for (const more of [[], ['--json']]) await run(view, ...more)
  for (const id of [...ids, bare])
    for (const more of [[], ['--json'], ['--curl']]) await run('show', id, ...more)
  for (const id of ids) await run('show', id, '--raw')
  const title = ['cmdline', 'comm'].map((name) =>
    readFileSync(`/proc/${daemon.pid}/${name}`, 'utf8'),
  )
  await run('requeue', ...ids)
  await machine.kill('SIGTERM')

  const kept = filesBelow(machine.spool).replaceAll(`${url}/bare/hunter-in-a-url`, '')
  for (const [place, text] of [
    ['the log of the daemon', machine.log],
    ['what commands print', said.join('\n')],
    ['its title', title.join('\n')],
    ['the spool, but for the URL that a sender wrote', kept],
  ] as const) {
    t.not(text.trim(), '', place)
    const at = text.search(WORD)
    t.equal(
      at,
      -1,
      at === -1 ? place : `${place}: ${text.slice(Math.max(0, at - 300), at + 80)}`,
    )
  }
  t.match(said.join('\n'), /\*\*\*/, 'the answers are shown, with stars')
})

/**
 * durable - what was answered with 202 is there, whatever becomes of the daemon.
 *
 * The real daemon, killed with SIGKILL, and the command line beside it.
 */
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { socketPath } from '../../src/queue/open.ts'
import { Machine } from '../end-to-end/machine.ts'
import { ask, post } from './ask.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "http://127.0.0.1:1/"\n'

t.test('a daemon without its port ends, and lets go of the spool', async (t) => {
  const machine = new Machine(t)
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  machine.configure(`[listen]\nhttp = "127.0.0.1:${port}"\n`)
  const { code, err } = await machine.run('msgqd', [], '', 20_000)
  t.equal(code, 69)
  t.match(err, /msgqd: \[listen\] http: 127\.0\.0\.1:\d+: .*in use/)
  other.close()
  await once(other, 'close')
  await machine.start()
  await machine.until('the next one serves', () => machine.log.includes('listens on http'))
})

t.test('a daemon that dies behind a 202 loses nothing, and knows the key', async (t) => {
  const machine = new Machine(t)
  machine.configure(OPS)
  await machine.start()
  await machine.until('it listens', () =>
    existsSync(join(machine.spool, 'run/submit.sock')),
  )
  const modeOf = (name: string) => statSync(join(machine.spool, 'run', name)).mode & 0o7777
  t.equal(modeOf('submit.sock'), 0o666, 'anybody may send')
  t.equal(modeOf('control.sock'), 0o660)
  const { path: socket, release } = socketPath(machine.spool, 'submit.sock')
  t.teardown(release)

  const headers = { 'idempotency-key': '"order-17"' }
  const keyed = await post(socket, { to: 'ops', body: { a: 1 } }, headers)
  t.equal(keyed.status, 202)
  t.equal(keyed.headers.location, `/v1/messages/${keyed.json.id}`)
  // All at once, so that the death finds some of them on the doorstep.
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      ask(socket, '/v1/messages?to=ops', { body: `message ${n}` }),
    ),
  )
  await machine.kill()
  const ids = [keyed, ...answers].map(({ status, json }) => {
    t.equal(status, 202)
    return json.id as string
  })
  const there = ['incoming', 'active', 'deferred'].flatMap((state) =>
    readdirSync(join(machine.spool, state)),
  )
  t.strictSame(
    ids.filter((id) => !there.some((file) => file.includes(id))),
    [],
    'each is in a folder',
  )

  await machine.start()
  await machine.until('it listens', () =>
    ask(socket, '/').then(
      () => true,
      () => false,
    ),
  )
  const again = await post(socket, { to: 'ops', body: { a: 1 } }, headers)
  t.match(again, { status: 200, json: { id: keyed.json.id, repeat: true } })
  const other = await post(socket, { to: 'ops', body: { a: 2 } }, headers)
  t.match(other, { status: 422, json: { code: 'key-conflict', of: keyed.json.id } })
  const shown = await machine.msgq('show', '--json', keyed.json.id)
  t.match(JSON.parse(shown.out), {
    envelope: { key: 'order-17', sender: { uid: process.getuid!(), door: 'submit' } },
  })
  t.equal(await machine.kill('SIGTERM'), 0, 'and a stop is a stop')
})

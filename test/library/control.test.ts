/**
 * control - how commands ask the daemon, and what they make of one that is not well.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createSocket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { askDaemon } from '../../src/library/control.ts'
import { Control } from '../daemon/fake-control.ts'
import { socketPath } from '../../src/queue/open.ts'
import { asNobody } from '../config/machine.ts'

function spoolIn(t: Test, name = 'spool'): string {
  const spool = join(t.testdir({}), name)
  mkdirSync(join(spool, 'run'), { recursive: true })
  return spool
}

/** Somebody who listens on the control socket and answers in his own way. */
async function listen(t: Test, spool: string, answer: RequestListener): Promise<void> {
  const server = createServer(answer)
  const { path } = socketPath(spool, 'control.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
}

t.test('a question is answered with its status and JSON', async (t) => {
  const spool = spoolIn(t)
  const control = await Control.open(spool, {
    'GET /v1/status': () => ({ status: 200, body: { up: true } }),
    'POST /v1/flush': (body) => ({ status: 202, body: { heard: body ?? 'nothing' } }),
  })
  t.teardown(() => control.close())
  t.same(await askDaemon(spool, 'GET', '/v1/status'), { status: 200, body: { up: true } })
  t.same(await askDaemon(spool, 'POST', '/v1/flush', { lanes: ['ops'] }), {
    status: 202,
    body: { heard: { lanes: ['ops'] } },
  })
  t.match(await askDaemon(spool, 'POST', '/v1/flush'), { body: { heard: 'nothing' } })
  t.match(await askDaemon(spool, 'GET', '/v1/none'), { status: 404 })
})

t.test('a spool whose path is too long for a socket is no obstacle', async (t) => {
  const spool = spoolIn(t, 'long'.repeat(40))
  t.equal(await askDaemon(spool, 'GET', '/v1/status'), undefined)
  const control = await Control.open(spool, {
    'GET /v1/status': () => ({ status: 200, body: 1 }),
  })
  t.teardown(() => control.close())
  t.same(await askDaemon(spool, 'GET', '/v1/status'), { status: 200, body: 1 })
})

t.test('that nobody listens is an answer', async (t) => {
  const spool = spoolIn(t)
  t.equal(await askDaemon(spool, 'GET', '/v1/status'), undefined, 'no socket')
  t.equal(
    await askDaemon(join(spool, 'absent'), 'GET', '/v1/status'),
    undefined,
    'no spool',
  )
  const long = join(spool, 'absent'.repeat(30))
  t.equal(await askDaemon(long, 'GET', '/v1/status'), undefined, 'no spool, far away')
  writeFileSync(join(spool, 'file'), '')
  t.equal(await askDaemon(join(spool, 'file'), 'GET', '/v1/status'), undefined, 'a file')

  // What a daemon leaves that was killed: its socket, and nobody behind it.
  const path = 'run/control.sock'
  const listenAndDie = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  t.throws(() => execFileSync(process.execPath, ['-e', listenAndDie, path], { cwd: spool }))
  t.equal(await askDaemon(spool, 'GET', '/v1/status'), undefined, 'a dead socket')
})

t.test('a daemon that does not answer in time is trouble, and not absent', async (t) => {
  const spool = spoolIn(t)
  await listen(t, spool, () => {})
  await t.rejects(askDaemon(spool, 'GET', '/v1/status', undefined, 200), {
    code: 'temporary',
    message: 'msgqd: does not answer within 200ms',
  })
})

t.test('half an answer, no JSON and a broken line are trouble', async (t) => {
  const answers: [string, RequestListener][] = [
    ['no JSON', (_, response) => void response.end('hello')],
    [
      'half an answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{')
        setTimeout(() => response.destroy(), 20)
      },
    ],
    ['none at all', (request) => void request.socket.destroy()],
  ]
  for (const [what, answer] of answers) {
    const spool = spoolIn(t, what.replaceAll(' ', '-'))
    await listen(t, spool, answer)
    await t.rejects(
      askDaemon(spool, 'GET', '/v1/status'),
      { code: 'temporary', message: /^msgqd: did not answer: / },
      what,
    )
  }
  const spool = spoolIn(t, 'no-http')
  const server = createSocket((socket) => void socket.end('220 smtp ready\r\n'))
  const { path } = socketPath(spool, 'control.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(() => server.close())
  await t.rejects(askDaemon(spool, 'GET', '/v1/status'), { code: 'temporary' }, 'no HTTP')
})

t.test('a socket that is not ours is a matter of rights', async (t) => {
  const spool = spoolIn(t)
  await listen(t, spool, (_, response) => void response.end('{}'))
  for (const folder of [spool, join(spool, 'run')]) chmodSync(folder, 0o755)
  chmodSync(join(spool, 'run/control.sock'), 0o600)
  await asNobody(() =>
    t.rejects(askDaemon(spool, 'GET', '/v1/status'), {
      code: 'no-permission',
      message: /permission denied$/,
      hint: /root/,
    }),
  )
})

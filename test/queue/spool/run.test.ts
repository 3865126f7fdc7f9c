import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { removeSocket, socketPath } from '../../../src/queue/spool/run.ts'

function spool(t: Test, depth: number): string {
  const root = join(
    t.testdir(),
    ...Array.from({ length: depth }, () => 'a-long-name-of-a-folder'),
  )
  mkdirSync(join(root, 'run'), { recursive: true })
  return root
}

async function serves(path: string): Promise<boolean> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  const client = connect(path)
  await once(client, 'connect')
  client.destroy()
  await new Promise((done) => server.close(done))
  return true
}

void t.test('a socket is reached however deep the spool lies', async (t) => {
  for (const depth of [0, 8]) {
    const root = spool(t, depth)
    const { path, release } = socketPath(root, 'control.sock')
    t.ok(Buffer.byteLength(path) <= 107, `${Buffer.byteLength(path)} bytes`)
    t.ok(await serves(path))
    release()
  }
})

void t.test('a short path is the plain one, as people expect it', async (t) => {
  const { path, release } = socketPath('/s', 'control.sock')
  t.equal(path, '/s/run/control.sock')
  release()
  t.throws(() => socketPath(`/${'x'.repeat(200)}`, 'control.sock'), { code: 'ENOENT' })
})

const descriptors = () => readdirSync('/proc/self/fd').length

void t.test('what is released leaves no descriptor behind', async (t) => {
  const root = spool(t, 8)
  const before = descriptors()
  for (let n = 0; n < 10; n++) socketPath(root, 'control.sock').release()
  t.equal(descriptors(), before)
})

void t.test(
  'the socket that a dead daemon left is removed; none is no error',
  async (t) => {
    const root = spool(t, 0)
    const path = join(root, 'run', 's')
    const script = `require('net').createServer().listen('s', () => process.kill(process.pid, 9))`
    spawnSync(process.execPath, ['-e', script], { cwd: join(root, 'run') })
    t.ok(existsSync(path))
    removeSocket(root, 's')
    t.notOk(existsSync(path))
    removeSocket(root, 's')
  },
)

/**
 * root - root's commands on the spool of another, where Node.js refuses to change its user: as on
 * Debian 13, whose Node.js has a libuv of its own. UV_USE_IO_URING=1 makes any Node.js 20 one.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import t from 'tap'

import { makeSpool } from '../../src/queue/open.ts'
import { Machine } from './machine.ts'

const MSGQ = 65_532
const skip = process.getuid!() !== 0 && 'only root can be two users'

t.test('root acts as the owner of the spool', { skip }, async (t) => {
  const machine = new Machine(t)
  await makeSpool(machine.spool)
  spawnSync('chown', ['-R', `${MSGQ}:${MSGQ}`, machine.spool])
  // Only root sees any of it.
  const own = join(dirname(machine.spool), 'own')
  mkdirSync(own, { mode: 0o700 })
  writeFileSync(join(own, 'report'), 'for root alone')
  machine.configure('[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n')
  chmodSync(machine.configFile, 0o600)
  const env = { ...machine.env, UV_USE_IO_URING: '1' }
  const msgq = (words: string[], input = '') => {
    const ran = spawnSync(process.execPath, [resolve('bin/msgq'), ...words], {
      env,
      encoding: 'utf8',
      input,
      cwd: own,
    })
    return { code: ran.status, out: ran.stdout, err: ran.stderr }
  }
  const files = () =>
    readdirSync(machine.spool, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.includes('@'))
      .map((entry) => join(entry.parentPath, entry.name))
  const showOf = (id: string) => JSON.parse(msgq(['show', '--json', id]).out)

  const sent = msgq(['send', 'crm', '-d', '@report'])
  t.match(sent, { code: 0, err: '', out: /^[0-9A-Z]{26}\n$/ })
  const id = sent.out.trim()
  t.match(showOf(id).sender, { uid: 0, user: 'root' }, 'root sent it')
  t.match(msgq(['send', 'crm'], 'from stdin').code, 0)
  t.equal(msgq(['send', '--batch', 'crm'], '{"body":"a"}\n{"body":"b"}\n').code, 0)
  t.match(
    msgq(['send', 'nowhere', 'x']),
    { code: 64, err: /^msgq: send: no such destination: "nowhere"\n/ },
    'a refusal is the same',
  )
  t.match(msgq(['hold', '-'], `${id}\n`), {
    code: 0,
    out: 'matched 1, done 1, skipped 0\n',
  })
  t.equal(msgq(['suspend', 'crm']).code, 0)
  t.match(msgq(['check', '--repair']), { code: 0, err: '' })
  const wrapped = msgq(['wrap', '-q', 'crm', '--', 'sh', '-c', 'id -u; exit 3'])
  t.match(wrapped, { code: 3, err: '' }, 'the command was root')
  t.equal(msgq(['wrap', '-q', '--on', 'ok', '--stdout', 'crm', '--', 'echo', 'x']).code, 0)
  t.equal(files().length, 6)
  t.same(
    new Set(files().map((file) => statSync(file).uid)),
    new Set([MSGQ]),
    'all are its owner',
  )

  // Who waits for a suspended lane is told so at once.
  t.equal(msgq(['resume', 'crm']).code, 0)
  const { status } = spawnSync(
    'timeout',
    ['1', 'setsid', process.execPath, resolve('bin/msgq'), 'send', '--wait', 'crm', 'x'],
    { env, encoding: 'utf8', timeout: 20_000 },
  )
  t.equal(status, 124, 'a signal to it alone ends its child too: nobody holds the pipe')
})

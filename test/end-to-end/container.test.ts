/**
 * container - msgqd as a container's engine runs it: PID 1, on a root that is read-only but for
 * the spool, logging to stdout, ended by SIGTERM. With namespaces of the kernel, and no engine.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Machine } from './machine.ts'

const APART = ['--mount', '--propagation', 'private', '--pid', '--fork', '--mount-proc']
const skip =
  spawnSync('unshare', [...APART, 'mount', '-o', 'remount,bind,ro', '/']).status !== 0 &&
  'namespaces are not allowed here'

const START = `mount --bind "$0" "$0" && mount -o remount,bind,ro / &&
mount -t tmpfs -o ro tmpfs /tmp && ! mkdir "$0.no" 2>/dev/null && exec "$@"`

t.test('as PID 1, where only the spool is written', { skip }, async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  mkdirSync(machine.spool)
  const msgqd = [process.execPath, resolve('bin/msgqd'), '--spool', machine.spool]
  const args = [...APART, '--kill-child', 'sh', '-c', START, machine.spool, ...msgqd]
  const unshare = spawn('unshare', args, {
    env: machine.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => unshare.kill('SIGKILL'))
  let out = ''
  unshare.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const ended = once(unshare, 'exit')
  const until = async (event: RegExp) => {
    while (!event.test(out)) {
      if (unshare.exitCode !== null) return t.fail(`it ended: ${out}`)
      await sleep(20)
    }
    return undefined
  }
  await until(/"event":"start"/)
  t.equal((await machine.msgq('send', sink.url, 'x')).code, 0)
  await until(/"outcome":"delivered"/)
  const [first] = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8')
    .trim()
    .split(' ')
  t.match(readFileSync(`/proc/${first}/status`, 'utf8'), /^NSpid:\t\d+\t1$/m, 'it is PID 1')
  process.kill(Number(first), 'SIGTERM')
  t.same(await ended, [0, null], 'SIGTERM ends it, in order')
  const lines = out.trim().split('\n')
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event)
  t.equal(events.at(-1), 'stopped', 'a JSON object a line, to the end')
})

/**
 * systemd - what reaches the service manager, and what never disturbs the daemon.
 *
 * A fake systemd-notify on PATH shows how it is called; the real one, with a receiver on a
 * datagram socket, shows what arrives.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'

import { createNotifier } from '../../src/daemon/systemd.ts'

/** Waits for what has to come; the limit is for a machine that is very busy. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await sleep(5))
    if (Date.now() > end) throw new Error(`never: ${what}`)
}

/** Removes a folder, or fails because a child of a test that is over still writes there. */
function isRemoved(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}

/** A folder with a systemd-notify that writes its arguments down, then runs `script`. */
function fake(t: Test, script = 'true') {
  // Before tap removes it, which fails while a last child writes.
  t.teardown(() => until(() => isRemoved(t.testdirName), 'the last child has ended'))
  const folder = t.testdir({
    'systemd-notify': [
      '#!/bin/sh',
      'cd "${0%/*}" || exit',
      'mkdir running || echo OVERLAP >> calls',
      '( IFS="|"; printf "%s\\n" "$*" >> calls )',
      `${script}`,
      'code=$?; rmdir running 2>&-; exit $code',
    ].join('\n'),
  })
  chmodSync(`${folder}/systemd-notify`, 0o755)
  const calls = () =>
    existsSync(`${folder}/calls`)
      ? readFileSync(`${folder}/calls`, 'utf8').trimEnd().split('\n')
      : []
  return {
    folder,
    calls,
    env: { NOTIFY_SOCKET: '/nowhere', PATH: `${folder}:${process.env['PATH']}` },
    /** All calls, once there are so many and the last has ended. */
    ended: async (count: number) => {
      const done = () => calls().length >= count && !existsSync(`${folder}/running`)
      await until(done, `${count} calls`)
      return calls()
    },
  }
}

t.test('each word of the daemon is what sd_notify(3) calls it', async (t) => {
  const { env, ended } = fake(t)
  const notifier = createNotifier(env)
  notifier.ready('3 lanes')
  await ended(1)
  notifier.status('2 on the wire')
  await ended(2)
  notifier.reloading()
  await ended(3)
  notifier.stopping()
  await ended(4)
  notifier.stopping(1_500)
  t.same(await ended(5), [
    'READY=1|STATUS=3 lanes',
    'STATUS=2 on the wire',
    'RELOADING=1',
    'STOPPING=1',
    'STOPPING=1|EXTEND_TIMEOUT_USEC=1500000',
  ])
})

t.test('without a service manager nothing is started', async (t) => {
  const { env, calls } = fake(t)
  const notifier = createNotifier({ PATH: env.PATH, WATCHDOG_USEC: '2000' })
  notifier.ready('up')
  notifier.status('busy')
  notifier.reloading()
  notifier.stopping()
  const stop = notifier.startWatchdog(() => t.fail('asked') || true)
  await sleep(200)
  stop()
  t.same(calls(), [])
})

t.test('one child at a time; what is said meanwhile goes out together', async (t) => {
  const { env, folder, ended } = fake(t, 'while [ -e wait ]; do sleep 0.02; done')
  writeFileSync(`${folder}/wait`, '')
  const notifier = createNotifier(env)
  notifier.ready('first')
  notifier.status('second')
  notifier.reloading()
  notifier.ready('third')
  notifier.reloading()
  notifier.status('fourth')
  await until(() => existsSync(`${folder}/calls`), 'the first call')
  await sleep(100)
  rmSync(`${folder}/wait`)
  t.same(await ended(2), ['READY=1|STATUS=first', 'STATUS=fourth|RELOADING=1'])
})

t.test('a status is one line, whatever is in it', async (t) => {
  const { env, ended } = fake(t)
  createNotifier(env).status('two\nREADY=1\u001b[31m lines')
  t.same(await ended(1), ['STATUS=two READY=1 [31m lines'])
})

t.test('nothing of the environment is passed on but the way to systemd', async (t) => {
  const { env, folder, ended } = fake(t, 'env > env')
  createNotifier({ ...env, CRM_TOKEN: 'secret' }).ready('up')
  await ended(1)
  const seen = readFileSync(`${folder}/env`, 'utf8')
  t.match(seen, 'NOTIFY_SOCKET=/nowhere')
  t.notMatch(seen, 'CRM_TOKEN')
})

t.test('what did not arrive goes out with the next message', async (t) => {
  const { env, folder, ended } = fake(t, '[ ! -e broken ]')
  const said: string[] = []
  const notifier = createNotifier(env, (trouble) => said.push(trouble))
  writeFileSync(`${folder}/broken`, '')
  notifier.ready('up')
  await until(() => said.length === 1, 'a complaint')
  t.same(said, ['cannot reach systemd: systemd-notify: exit code 1'])
  notifier.status('still up')
  await ended(2)
  await sleep(100)
  t.equal(said.length, 1, 'it complains once')
  rmSync(`${folder}/broken`)
  notifier.stopping()
  t.same((await ended(3)).slice(1), [
    'READY=1|STATUS=still up',
    'STATUS=still up|STOPPING=1',
  ])
})

t.test('a failed message does not hold up one that is waiting', async (t) => {
  const { env, folder, ended } = fake(t, 'while [ -e wait ]; do sleep 0.02; done; false')
  writeFileSync(`${folder}/wait`, '')
  const notifier = createNotifier(env)
  notifier.status('starting')
  notifier.ready('up')
  rmSync(`${folder}/wait`)
  t.equal((await ended(2))[1], 'STATUS=up|READY=1')
})

t.test('a missing systemd-notify is said once, and thrown never', async (t) => {
  const said: string[] = []
  const env = { NOTIFY_SOCKET: '/nowhere', PATH: t.testdir({}) }
  const notifier = createNotifier(env, (trouble) => said.push(trouble))
  notifier.ready('up')
  notifier.status('busy')
  await until(() => said.length > 0, 'a complaint')
  notifier.stopping()
  await sleep(100)
  t.same(said, ['cannot reach systemd: systemd-notify: no such file or directory'])
})

t.test('the watchdog is fed at half its time', async (t) => {
  const { env, calls } = fake(t)
  const watchdog = { WATCHDOG_USEC: '600000', WATCHDOG_PID: String(process.pid) }
  const asked: number[] = [performance.now()]
  const stop = createNotifier({ ...env, ...watchdog }).startWatchdog(
    () => asked.push(performance.now()) > 0,
  )
  await until(() => asked.length > 5 && calls().length >= 3, 'five pings')
  stop()
  t.equal(calls()[0], 'WATCHDOG=1')
  const gaps = asked.slice(1).map((at, index) => at - asked[index]!)
  const median = gaps.toSorted((a, b) => a - b)[2]!
  t.ok(median > 290 && median < 600, `every 300 ms: ${gaps.map(Math.round).join(', ')}`)
})

t.test('only a daemon that is alive feeds the watchdog, until the end', async (t) => {
  const { env, calls } = fake(t)
  const pings = () => calls().length
  let alive = true
  const stop = createNotifier({ ...env, WATCHDOG_USEC: '40000' }).startWatchdog(() => alive)
  await until(() => pings() >= 2, 'two pings')

  alive = false
  const before = pings()
  await sleep(500)
  // The child that was on its way may have been slow.
  t.ok(pings() <= before + 1, 'silence')

  alive = true
  await until(() => pings() > before + 1, 'pings after it came back')
  stop()
  const last = pings()
  await sleep(500)
  t.ok(pings() <= last + 1, 'silence after the end')
})

t.test('a daemon that cannot tell whether it is alive is not', async (t) => {
  const { env, calls } = fake(t)
  const said: string[] = []
  const notifier = createNotifier({ ...env, WATCHDOG_USEC: '20000' }, (it) => said.push(it))
  const stop = notifier.startWatchdog(() => {
    throw new Error('no idea')
  })
  await until(() => said.length > 0, 'a complaint')
  stop()
  t.equal(said[0], 'cannot tell whether the daemon is alive: no idea')
  t.same(calls(), [])
})

t.test('a watchdog that is not for us, or is none, is left alone', async (t) => {
  const { env, calls } = fake(t)
  for (const watchdog of [
    {},
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: 'soon' },
    { WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' },
  ])
    createNotifier({ ...env, ...watchdog }).startWatchdog(() => t.fail('asked') || true)
  await sleep(200)
  t.same(calls(), [])
})

t.test('a child that hangs, and a watchdog, keep no program running', async (t) => {
  const { env, folder, calls } = fake(t, 'while [ -e wait ]; do sleep 0.1; done')
  writeFileSync(`${folder}/wait`, '')
  t.teardown(() => rmSync(`${folder}/wait`, { force: true }))
  const notifier = new URL('../../src/daemon/systemd.ts', import.meta.url)
  const program = `
    const { createNotifier } = await import('${notifier}')
    const notifier = createNotifier(process.env)
    notifier.ready('up')
    notifier.startWatchdog(() => true)
    await new Promise((done) => setTimeout(done, 300))
    notifier.stopping()`
  const loader = new URL('../loader.mjs', import.meta.url).href
  const args = ['--import', loader, '--input-type=module', '-e', program]
  const ran = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env, WATCHDOG_USEC: '50000' },
    // No pipe: the child that hangs would keep it open.
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 30_000,
  })
  t.equal(ran.status, 0)
  await until(() => calls().length > 0, 'the call of the child that hangs')
  t.same(calls(), ['READY=1|STATUS=up'])
})

const RECEIVER = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`
const has = (program: string) => spawnSync(program, ['--version']).status === 0
const lacking = ['python3', 'systemd-notify'].filter((program) => !has(program))

t.test(
  'the real systemd-notify delivers it',
  { skip: lacking.length > 0 && `no ${lacking.join(', no ')} here` },
  async (t) => {
    // Not below the repository: a socket's path has room for some 100 characters.
    const socket = `/tmp/msgq-notify-${process.pid}`
    t.teardown(() => rmSync(socket, { force: true }))
    const receiver = spawn('python3', ['-c', RECEIVER, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => receiver.kill())
    const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]()
    /** The next datagram that is about the service; the rest is between the two programs. */
    const next = async (): Promise<string[]> => {
      const words = (JSON.parse((await lines.next()).value as string) as string).split('\n')
      const ours = words.filter((word) => /^(READY|STATUS|STOPPING|WATCHDOG)=/.test(word))
      return ours.length > 0 ? ours : next()
    }
    t.equal((await lines.next()).value, 'bound')

    const said: string[] = []
    const env = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000' }
    const notifier = createNotifier(env, (trouble) => said.push(trouble))
    notifier.ready('serving 2 lanes')
    t.same(await next(), ['READY=1', 'STATUS=serving 2 lanes'])
    const stop = notifier.startWatchdog(() => true)
    t.same(await next(), ['WATCHDOG=1'])
    stop()
    await sleep(200)
    notifier.stopping()
    let last = await next()
    while (last[0] === 'WATCHDOG=1') last = await next()
    t.same(last, ['STOPPING=1'])
    t.same(said, [])
  },
)

/**
 * watch - on a real terminal, as script(1) makes one: drawn, and given back as it was.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { World } from './world.ts'

const MSGQ = resolve(import.meta.dirname, '../../bin/msgq')
const NO_PTY =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0 ? false : 'no script(1)'
const ENTER = '\u001b[?1049h'
const LEAVE = '\u001b[?1049l'

t.test('without a terminal it is of no use, and says what is', async (t) => {
  const world = await World.open(t)
  t.match(await world.run('watch'), {
    code: 64,
    out: '',
    err: /stdout is no terminal.*\n {2}hint: msgq status --json/,
  })
  for (const span of ['0s', '10ms', '2h', 'often'])
    t.match(await world.runOn({ columns: 80 }, 'watch', '--interval', span), {
      code: 64,
      out: '',
      err: /--interval: is no/,
    })
})

/** A watch on a terminal of 80x24; `printed` is all that came so far. */
async function watch(t: Test, world: World) {
  await world.send({ to: 'crm', subject: 'x' })
  const pid = join(world.folder, 'pid')
  const line = `stty cols 80 rows 24; echo $$ >'${pid}'; exec '${process.execPath}' '${MSGQ}' watch --interval 200ms`
  const file = join(world.folder, 'watch.sh')
  writeFileSync(file, line)
  const { PATH } = process.env
  const env = { PATH, TZ: 'UTC', ...world.environment.env, TERM: 'xterm' }
  const child = spawn('script', ['-qec', `sh '${file}'`, '/dev/null'], { env })
  const ended = once(child, 'exit') as Promise<[number]>
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const printed = async (what: string, times = 1): Promise<void> => {
    while (out.split(what).length <= times) await once(child.stdout, 'data')
  }
  return { child, printed, pid, ended, all: () => out }
}

for (const [how, key] of [
  ['q', 'q'],
  ['Ctrl-C', '\u0003'],
] as const)
  t.test(`${how} ends it, and the terminal is as it was`, { skip: NO_PTY }, async (t) => {
    const world = await World.open(t)
    const { child, printed, ended, all } = await watch(t, world)
    await printed('1 incoming')
    await printed('q quits', 3)
    t.ok(all().includes(ENTER))
    child.stdin.write(key)
    t.equal((await ended)[0], 0)
    t.equal(all().split(LEAVE).length, 2)
    t.ok(all().indexOf('not running') > all().indexOf(ENTER))
    t.ok(all().trimEnd().endsWith(LEAVE), 'nothing is drawn behind it')
  })

t.test('a signal ends it, and gives the terminal back', { skip: NO_PTY }, async (t) => {
  const world = await World.open(t)
  const { printed, pid, ended, all } = await watch(t, world)
  await printed('1 incoming')
  spawnSync('sh', ['-c', `kill -TERM $(cat '${pid}')`])
  t.equal((await ended)[0], 143)
  t.ok(all().trimEnd().endsWith(LEAVE))
})

/**
 * aftercare - the real daemon and the real commands: who hears of what failed, and how often.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Machine } from './machine.ts'

interface Heard {
  readonly path: string
  readonly id?: string
}

function linesIn(file: string): unknown[] {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line) as unknown)
  } catch {
    return []
  }
}

t.test('1,000 bounces are one notice, over a kill around it', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({ answers: ['/gone=410'] })
  const file = join(machine.spool, '../ops.jsonl')
  const heard = () => linesIn(file) as { id: string; body: { count: number } }[]
  machine.configure(`
[lane]
window = 50
[bounce]
notify = "ops"
notify_wait = "5s"
[destinations.ops]
type = "file"
path = "${file}"
[destinations.crm]
type = "http"
url = "${sink.url}/gone"
`)
  await machine.start()
  const batch = '{"to":"crm","subject":"order","body":"x"}\n'.repeat(1_000)
  t.equal((await machine.run('msgq', ['send', '--batch', '-q'], batch)).code, 0)
  await machine.until('all bounced', () => machine.files('bounce').length === 1_000)
  const known = () => {
    try {
      return readFileSync(join(machine.spool, 'run/bounced.json'), 'utf8')
    } catch {
      return ''
    }
  }
  // As early as anything is written of a notice, or later: whatever is met.
  await machine.until('a notice is begun', () => /making|toldAt/.test(known()))
  await machine.kill()
  await machine.start()
  await machine.until('it is heard', () => heard().length > 0)
  await machine.until('it is over', () => /toldAt/.test(known()) && !/making/.test(known()))
  await machine.until('nothing waits', () => machine.files('incoming').length === 0)
  t.equal(new Set(heard().map(({ id }) => id)).size, 1, 'one notice')
  t.equal(heard()[0]!.body.count, 1_000)
  const [first] = machine.files('bounce').toSorted()
  const show = await machine.msgq('show', first!.slice(-12).split('@')[0]!)
  t.match(show.out, new RegExp(`noticed +told ops as ${heard()[0]!.id}`))

  // An operator gives one up while nobody serves.
  await machine.msgq('send', 'ops', '-d', 'x', '--hold')
  await machine.until('it is held', () => machine.files('hold').length === 1)
  await machine.kill('SIGTERM')
  t.equal((await machine.msgq('expire', '--state', 'hold', '--to', 'ops')).code, 0)
  t.equal((await machine.run('msgqd', ['--once'])).code, 0)
  t.equal(new Set(heard().map(({ id }) => id)).size, 2, 'is told at the next start')
})

t.test('a suspended lane falls back, once, over kills', async (t) => {
  const machine = new Machine(t)
  const heard: Heard[] = []
  const sink = await machine.sink({ onArrival: (arrival) => void heard.push(arrival) })
  machine.configure(`
[bounce]
notify = "pager"
[[expect]]
event = "backup.ok"
every = "1s"
[destinations.crm]
type = "http"
url = "${sink.url}/crm"
fallback = { to = "pager", after = "500ms", level = "error" }
[destinations.pager]
type = "http"
url = "${sink.url}/pager"
`)
  await machine.start()
  t.equal((await machine.msgq('suspend', 'crm', '--why', 'no money')).code, 0)
  const sent = await machine.msgq('send', 'crm', '-d', 'help', '-s', 'it burns')
  const id = sent.out.trim()
  const copies = () => heard.filter(({ path }) => path === '/pager')
  // The switch that nobody held, and the copy.
  await machine.until('both are heard', () => copies().length === 2)
  for (let n = 0; n < 2; n++) {
    await machine.kill()
    await machine.start()
  }
  const shown = JSON.parse((await machine.msgq('show', id, '--json')).out)
  const line = shown.trail.find(({ act }: { act: string }) => act === 'redirected')
  t.match(line, { as: /^\w{26}$/, reason: /^to pager as \w{26}: not delivered in 500ms$/ })
  t.equal((await machine.msgq('resume', 'crm')).code, 0)
  await machine.until('the original goes too', () =>
    heard.some(({ path }) => path === '/crm'),
  )
  t.equal(new Set(copies().map((one) => one.id)).size, 2, 'nobody heard it anew')
  t.match(machine.log, /did not come for 1s: event backup.ok/)
})

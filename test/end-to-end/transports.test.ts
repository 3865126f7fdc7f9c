/**
 * transports - the real msgq and msgqd, with destinations that no HTTP request goes to.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Machine } from './machine.ts'

void t.test('a command and a file, from send to the end', async (t) => {
  const machine = new Machine(t)
  const folder = join(machine.spool, '..')
  const script = 'cat >> got; echo "$MSGQ_SUBJECT" >> got; echo "no room" >&2; exit $CODE'
  const exec = (name: string, code: number) => `[destinations.${name}]
type = "exec"
command = ["/bin/sh", "-c", ${JSON.stringify(script)}]
directory = "${folder}"
environment = { CODE = "${code}", A_TOKEN = { env = "HOME" } }
`
  const file = `[destinations.events]\ntype = "file"\npath = "${folder}/events"\n`
  machine.configure(exec('good', 0) + exec('never', 65) + exec('later', 1) + file)
  await machine.start()
  const send = async (...words: string[]) => {
    const { code, out, err } = await machine.msgq('send', ...words)
    t.equal(code, 0, err)
    return out.trim()
  }
  await send('good', 'tea ', '-s', 'for two')
  await machine.until('it ran', () => machine.log.includes('delivered good: exit 0'))
  t.equal(readFileSync(join(folder, 'got'), 'utf8'), 'tea for two\n')
  const never = await send('never', 'x')
  const later = await send('later', 'y')
  await send('events', 'e')
  await machine.until('it bounced', () => machine.files('bounce').length === 1)
  await machine.until('it was tried again', () =>
    /"to":"later"[^\n]*"try":2/.test(machine.log),
  )
  await machine.until('it is there', () => existsSync(join(folder, 'events')))
  t.match((await machine.msgq('show', never)).out, /exit 65 \(wrong data\): "no room"/)
  t.match((await machine.msgq('show', later)).out, /to +later \(exec \/bin\/sh -c '/)
  const curl = await machine.msgq('show', '--curl', later)
  t.match(curl, { code: 64, err: /later is of type "exec", and no HTTP request/ })
  for (const [words, said] of [
    [['-H', 'x-a: b'], 'events is of type "file": it takes no headers'],
    [['-X', 'PUT'], 'events is of type "file": it takes no method'],
  ] as const) {
    const refused = await machine.msgq('send', 'events', 'e', ...words)
    t.match(refused, { code: 64, out: '', err: said })
  }
  const dry = await machine.msgq('send', '--dry-run', 'good,events', 'tea', '-s', 'two')
  t.match(dry.out, /^exec \/bin\/sh -c '[^]*'\nMSGQ_ID=\(the id\)\n/)
  t.match(dry.out, /\nMSGQ_SUBJECT=two\n[^]*\nCODE=0\nA_TOKEN=\*{4}\n[^]*\ntea\n/)
  t.match(dry.out, /append to \/.*\/events\n\{"id":"\(the id\)",.*"body":"tea"\}\n/)
  t.equal(await machine.kill('SIGTERM'), 0)
})

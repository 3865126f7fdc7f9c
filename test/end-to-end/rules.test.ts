/**
 * rules - a key that ran out, fifty messages, and a daemon that is killed meanwhile: none bounces,
 * and all arrive once the key is mended.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { Machine } from './machine.ts'

/** Takes what comes with the key that is good, and says 401 to the rest. */
async function keeper(t: Test) {
  const seen = { good: 'Bearer new', refused: 0, taken: new Set<string>() }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isGood = request.headers.authorization === seen.good
      if (isGood) seen.taken.add(String(request.headers['webhook-id']))
      else seen.refused++
      response.writeHead(isGood ? 200 : 401).end(isGood ? '' : 'the key is no good')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

void t.test('an expired key suspends, and nothing bounces', async (t) => {
  const machine = new Machine(t)
  const { seen, url } = await keeper(t)
  const key = join(machine.spool, '../crm-key')
  writeFileSync(key, 'old\n')
  machine.configure(`[destinations.crm]
type = "http"
url = "${url}"
auth = { bearer = { file = "crm-key" } }
on = [{ status = [401, 403], then = "suspend" }]
`)
  const isSuspended = () => machine.files('suspended').includes('crm')
  const send = (first: number, count: number) =>
    machine.run(
      'msgq',
      ['send', 'crm', '--batch', '-q'],
      Array.from({ length: count }, (_, n) => `{"body":"${first + n}"}\n`).join(''),
    )

  await machine.start()
  t.equal((await send(0, 50)).code, 0)
  await machine.until('suspended', isSuspended)
  await machine.until('put back', () => machine.files('active').length === 0)
  const { refused } = seen
  t.ok(refused >= 1 && refused <= 20, `no more than were on the wire: ${refused}`)
  const page = await machine.msgq('status')
  t.match(page.out, /0 bounce/)
  t.match(page.out, /crm +suspended/)
  t.match(page.out, /401 Unauthorized: "the key is no good" \(rule: suspend\); to let/)

  await machine.kill()
  await machine.start()
  const reload = await machine.msgq('reload')
  t.equal(reload.code, 0, reload.err)
  t.equal(seen.refused, refused, 'neither a restart nor a reload is a change')
  t.ok(isSuspended())

  writeFileSync(key, 'new\n')
  await machine.until('delivered', () => seen.taken.size === 50)
  t.notOk(isSuspended())
  t.equal(seen.refused, refused)

  // Again, and a person lets it go on.
  seen.good = 'Bearer newer'
  await send(50, 1)
  await machine.until('suspended again', isSuspended)
  seen.good = 'Bearer new'
  t.equal((await machine.msgq('resume', 'crm')).code, 0)
  await machine.until('delivered', () => seen.taken.size === 51)
  for (const state of ['bounce', 'hold']) t.strictSame(machine.files(state), [], state)
  t.equal(machine.log.match(/"state":"suspended"/g)?.length, 3, 'said once, and at a start')
  t.match(machine.log, /crm goes on: its configuration changed/)
})

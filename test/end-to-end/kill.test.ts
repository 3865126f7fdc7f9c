import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Machine } from './machine.ts'

// MSGQ_SENDS=1000 MSGQ_KILLS=10 is the run of the README; the suite has a sample of it.
const SENDS = Number(process.env['MSGQ_SENDS'] ?? 60)
const KILLS = Number(process.env['MSGQ_KILLS'] ?? 4)

void t.test(
  `a shell loop of ${SENDS} sends, the daemon killed ${KILLS} times: all arrive`,
  { timeout: 600_000 },
  async (t) => {
    const machine = new Machine(t)
    const sink = await machine.sink({ slow: 5 })
    await machine.start()
    const loop = spawn(
      'bash',
      [
        '-c',
        `for n in $(seq ${SENDS}); do "$NODE" "$MSGQ" send "$URL" "message $n" || echo failed; done`,
      ],
      {
        env: {
          ...machine.env,
          NODE: process.execPath,
          MSGQ: resolve('bin/msgq'),
          URL: sink.url,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let out = ''
    loop.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    const done = once(loop, 'exit')
    for (let kill = 1; kill <= KILLS; kill++) {
      const share = Math.floor((kill * SENDS) / (KILLS + 1))
      await machine.until(
        `${share} sent`,
        () => out.split('\n').length > share || loop.exitCode !== null,
        300_000,
      )
      await machine.kill('SIGKILL')
      await sleep(50)
      await machine.start()
    }
    await done
    const ids = out.trim().split('\n')
    t.equal(ids.length, SENDS)
    t.notMatch(out, 'failed')
    await machine.until(
      'all arrive',
      () => ids.every((id) => sink.accepted.has(id)),
      60_000,
    )
    await machine.kill('SIGTERM')
    const missing = ids.filter((id) => !sink.accepted.has(id))
    t.strictSame(missing, [], 'none is lost')
    for (const state of ['incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt'])
      t.equal(machine.files(state).length, 0, `nothing left in ${state}`)
    t.comment(`${ids.length} sent, ${KILLS} kills, 0 lost, ${sink.repeats} repeats`)
  },
)

/**
 * soak - senders, a daemon that is killed, receivers that fail and lie, and an operator, all at
 * once for a while; then everybody is good, and every message is accounted for.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { Machine } from '../end-to-end/machine.ts'
import type { Stage } from '../end-to-end/machine.ts'
import { accountOf } from './account.ts'
import type { Account } from './account.ts'
import { Chance } from './chance.ts'
import { Ledger } from './ledger.ts'
import { Receiver } from './receiver.ts'
import { sender } from './senders.ts'
import type { Field } from './senders.ts'
import { killer, operator, verb } from './trouble.ts'

/** A receiver has a lane of its own, so that the failures of one do not starve the others. */
const LANES = ['a', 'b', 'c']
const SENDERS = 2
/** For all to be drained once everybody is good. */
const DRAIN = 60_000

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** Told now and then how it goes. */
  readonly tell: (line: string) => void
}

export interface Soaked {
  readonly account: Account
  readonly ledger: Ledger
  readonly requests: number
}

/** Runs a soak on a stage; resolves with its account. */
export async function soak(stage: Stage, options: SoakOptions): Promise<Soaked> {
  const { seconds, seed, tell } = options
  const ledger = new Ledger()
  const machine = new Machine(stage)
  const receivers = LANES.map(() => new Receiver(seed))
  for (const receiver of receivers) {
    await receiver.listen()
    stage.teardown(() => receiver.close())
  }
  machine.configure(configuration(receivers))
  const first = await machine.start()
  if (first.exitCode !== null) throw new Error(`msgqd does not start: ${machine.log}`)
  await machine.kill('SIGTERM')

  const began = performance.now()
  const over = () => performance.now() - began > seconds * 1000
  const field: Field = { machine, ledger, lanes: LANES, over }
  const dice = (name: string) => new Chance(seed, name)
  const told = setInterval(() => tell(progress(began, field, receivers)), 5_000)
  try {
    await Promise.all([
      ...Array.from({ length: SENDERS }, (_, n) => {
        return sender(field, `s${n}`, dice(`sender ${n}`))
      }),
      killer(field, dice('killer')),
      operator(field, dice('operator')),
    ])
    for (const receiver of receivers) receiver.good = true
    tell(`${progress(began, field, receivers)}: the receivers are good now`)
    await drain(field)
  } finally {
    clearInterval(told)
  }
  const code = await machine.kill('SIGTERM')
  if (code !== 0) ledger.fault(`at the end msgqd stopped with ${code}`)
  await verb(field, 'check')
  const requests = receivers.reduce((sum, receiver) => sum + receiver.requests, 0)
  return { account: accountOf(machine, ledger, receivers), ledger, requests }
}

/** Short spans throughout; nothing expires. */
function configuration(receivers: readonly Receiver[]): string {
  const destinations = receivers.map(
    ({ url }, n) => `[destinations.${LANES[n]}]\ntype = "http"\nurl = "${url}"\n`,
  )
  return `max = "1s"
lifetime = "forever"
[http]
timeout = "1s"
[stop]
grace = "500ms"
${destinations.join('')}`
}

/** Releases what is held, and flushes until nothing waits any more. */
async function drain(field: Field): Promise<void> {
  const end = performance.now() + DRAIN
  await verb(field, 'release', 'ALL')
  while (waiting(field) > 0) {
    if (performance.now() > end) {
      field.ledger.fault(`${waiting(field)} still wait after ${DRAIN / 1000} s`)
      return
    }
    await verb(field, 'flush')
    await sleep(500)
  }
}

function waiting({ machine }: Field): number {
  return ['incoming', 'active', 'deferred'].flatMap((state) => machine.files(state)).length
}

function progress(began: number, field: Field, receivers: readonly Receiver[]): string {
  const { ledger } = field
  const seconds = Math.round((performance.now() - began) / 1000)
  const taken = receivers.reduce((sum, it) => sum + it.accepted.size, 0)
  return (
    `${String(seconds).padStart(4)} s  ${ledger.sent.length} sent, ${taken} delivered, ` +
    `${waiting(field)} waiting, ${ledger.kills} kills`
  )
}

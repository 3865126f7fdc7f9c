/**
 * trouble - the daemon killed and stopped at random, and an operator who cannot leave it alone.
 */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Chance } from './chance.ts'
import type { Field } from './senders.ts'

/** Kills the daemon and starts it again until it is over; leaves one that runs. */
export async function killer(field: Field, dice: Chance): Promise<void> {
  const { machine, ledger } = field
  let daemon = await machine.start()
  while (!field.over()) {
    await sleep(dice.between(50, 1_800))
    noteOwnEnd(field, daemon)
    if (dice.next() < 0.75) {
      await machine.kill('SIGKILL')
      ledger.kills++
    } else {
      const code = await machine.kill('SIGTERM')
      ledger.stops++
      // null: the signal came before it could be heard.
      if (code !== 0 && code !== null) ledger.fault(`msgqd stopped with ${code}`)
    }
    daemon = await machine.start()
  }
  noteOwnEnd(field, daemon)
}

/** A daemon ends when it is told to, and never by itself. */
function noteOwnEnd({ machine, ledger }: Field, daemon: ChildProcess): void {
  if (daemon.exitCode === null && daemon.signalCode === null) return
  const how = daemon.exitCode ?? daemon.signalCode
  ledger.fault(`msgqd ended by itself with ${how}: ${machine.log.slice(-500)}`)
}

/** An operator at work until it is over. What it held it releases. */
export async function operator(field: Field, dice: Chance): Promise<void> {
  while (!field.over()) {
    await sleep(dice.between(300, 1_500))
    switch (dice.pick({ flush: 3, hold: 3, requeue: 3, check: 1 })) {
      case 'flush':
        await verb(field, 'flush')
        break
      case 'requeue':
        await verb(field, 'requeue', 'ALL')
        break
      case 'check':
        await verb(field, 'check')
        break
      case 'hold': {
        const to = field.lanes[dice.between(0, field.lanes.length - 1)] as string
        await verb(field, 'hold', '--to', to)
        await sleep(dice.between(0, 400))
        await verb(field, 'release', 'ALL')
      }
    }
  }
}

/** Runs a command of msgq that has no reason to fail. */
export async function verb(field: Field, ...words: string[]): Promise<void> {
  let { code, out, err } = await field.machine.msgq(...words)
  // Its daemon was killed while it answered, and it says that one may try again.
  if (code === 75 && err.includes('msgqd: did not answer'))
    ({ code, out, err } = await field.machine.msgq(...words))
  field.ledger.verbs++
  if (code !== 0)
    field.ledger.fault(`msgq ${words.join(' ')} ended with ${code}: ${(err || out).trim()}`)
}

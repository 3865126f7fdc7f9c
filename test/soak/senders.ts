/**
 * senders - the real `msgq send`, `send --batch`, and files made by hand, until told to stop.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Machine } from '../end-to-end/machine.ts'
import type { Chance } from './chance.ts'
import type { Ledger } from './ledger.ts'
import { bodyWith } from './receiver.ts'

/** Marks what is no message, so that it can be told in corrupt/. */
export const GARBAGE = 'GARBAGE'

const ID = /^[0-9A-Z]{26}$/

export interface Field {
  readonly machine: Machine
  readonly ledger: Ledger
  /** Names of destinations. */
  readonly lanes: readonly string[]
  readonly over: () => boolean
}

/** One sender with dice of its own; `name` keeps its tokens apart from others'. */
export async function sender(field: Field, name: string, dice: Chance): Promise<void> {
  const act = { send, batch, hand, garbage }
  let number = 0
  const token = () => `${name}-${++number}`
  while (!field.over()) {
    const kind = dice.pick({ send: 5, batch: 3, hand: 3, garbage: 1 })
    await act[kind](field, dice, token)
    await sleep(dice.between(0, 150))
  }
}

type Act = (field: Field, dice: Chance, token: () => string) => Promise<void> | void

function lane({ lanes }: Field, dice: Chance): string {
  return lanes[dice.between(0, lanes.length - 1)] as string
}

function sizeBy(dice: Chance): number {
  return dice.next() < 0.03 ? dice.between(10_000, 200_000) : dice.between(0, 500)
}

const send: Act = async (field, dice, nextToken) => {
  const { machine, ledger } = field
  const token = nextToken()
  const words = ['send', lane(field, dice)]
  const { code, out, err } = await machine.run('msgq', words, bodyWith(token, sizeBy(dice)))
  const id = out.trim()
  if (code === 0 && ID.test(id)) ledger.sent.push({ token, id, by: 'send' })
  else ledger.fault(`send ended with ${code}: ${(err || out).trim()}`)
}

const batch: Act = async (field, dice, nextToken) => {
  const { machine, ledger } = field
  const lines = Array.from({ length: dice.between(1, 40) }, () => {
    const [to, token] = [lane(field, dice), nextToken()]
    return { token, text: JSON.stringify({ to, body: bodyWith(token, sizeBy(dice)) }) }
  })
  const most = dice.next() < 0.2 ? dice.between(60, 400) : undefined
  const input = `${lines.map(({ text }) => text).join('\n')}\n`
  const { code, out, err } = await machine.run('msgq', ['send', '--batch'], input, most)
  if (code === null) ledger.sendersKilled++
  // What was printed was said yes to, whatever came then; the last line may be torn.
  const ids = out.split('\n').slice(0, -1)
  for (const [at, id] of ids.entries()) {
    const token = lines[at]?.token
    if (token !== undefined && ID.test(id)) ledger.sent.push({ token, id, by: 'batch' })
    else ledger.fault(`send --batch printed ${JSON.stringify(id)}`)
  }
  if (code !== null && (code !== 0 || ids.length !== lines.length))
    ledger.fault(`send --batch ended with ${code}, ${ids.length} ids: ${err.trim()}`)
}

const hand: Act = (field, dice, nextToken) => {
  const token = nextToken()
  const body = bodyWith(token, sizeBy(dice))
  const proof = dice.next() < 0.5 ? { bytes: Buffer.byteLength(body) } : {}
  const envelope = JSON.stringify({ to: lane(field, dice), ...proof })
  drop(field, `hand-${token}`, `${envelope}\n${body}`)
  field.ledger.sent.push({ token, by: 'hand' })
}

const garbage: Act = (field, dice, nextToken) => {
  const texts = {
    none: `${GARBAGE}\n`,
    member: `{"to":"a","${GARBAGE}":1}\nbody`,
    to: `{"to":"${GARBAGE} "}\nbody`,
    time: `{"to":"a","notBefore":"${GARBAGE}"}\nbody`,
  }
  const kind = dice.pick({ none: 1, member: 1, to: 1, time: 1 })
  drop(field, `junk-${nextToken()}`, texts[kind])
  field.ledger.garbage++
}

/** As the contract for hand-made files says: written under a dot name, then renamed. */
function drop({ machine }: Field, name: string, text: string): void {
  const staged = join(machine.spool, 'incoming', `.${name}`)
  writeFileSync(staged, text)
  renameSync(staged, join(machine.spool, 'incoming', name))
}

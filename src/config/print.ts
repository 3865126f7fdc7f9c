/**
 * print - a short print of all that is in force for a destination, to tell whether it changed.
 *
 * Also of what its secrets hold, so that a key that was renewed counts as a change. The print is
 * kept in the spool: of what secrets hold it has 16 bits, from which nobody guesses one.
 */
import { hash } from 'node:crypto'

import type { Destination } from './config.ts'
import type { Secret } from './reference.ts'
import { secretsOf } from './secrets.ts'
import type { SecretForm } from './wire.ts'

/** The print of a destination; `-` of none. `reveal` looks a secret up, or throws. */
export function printOf(
  destination: Destination | undefined,
  reveal: (secret: Secret, form?: SecretForm) => string,
): string {
  if (destination === undefined) return '-'
  // Where it stands is no part of what it says.
  const { where: _, ...rest } = destination
  const held = secretsOf(destination).map(([, secret, form]) => {
    try {
      return reveal(secret, form)
    } catch {
      return null
    }
  })
  const said = hash('sha256', JSON.stringify(rest)).slice(0, 16)
  return `${said}.${hash('sha256', JSON.stringify(held)).slice(0, 4)}`
}

/**
 * secret-check - looks every secret of a configuration up beforehand, and says what is wrong.
 *
 * What a shell cannot tell of what the daemon will find is a warning, and says so.
 */
import { errnoOf } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import type { Config, Destination } from './config.ts'
import { formatPath } from './problem.ts'
import { formatSecret } from './reference.ts'
import type { Secret } from './reference.ts'
import { MISSING, findFile, readSecret, readSigningKey } from './secret.ts'
import type { SecretPlace } from './secret.ts'
import { secretsOf } from './secrets.ts'
import type { SecretForm } from './wire.ts'

/** What is wrong, or may be, with a secret. `warning`: legal, or not for us to tell. */
export interface SecretProblem {
  readonly level: 'error' | 'warning'
  /** `FILE:LINE: option: secret REFERENCE: why`. */
  readonly message: string
}

/** Looks every secret of a configuration up, for `msgq check`. */
export function secretProblems(
  config: Pick<Config, 'destinations'>,
  place: SecretPlace,
): SecretProblem[] {
  const problems: SecretProblem[] = []
  for (const destination of config.destinations.values())
    for (const [path, secret, form] of secretsOf(destination)) {
      const found = secretProblem(secret, place, form, destination)
      if (found === undefined) continue
      const message = `${destination.where}: ${formatPath(path)}: ${found.message}`
      problems.push({ level: found.level, message })
    }
  return problems
}

function secretProblem(
  secret: Secret,
  place: SecretPlace,
  form: SecretForm | undefined,
  destination: Destination,
): SecretProblem | undefined {
  try {
    const held = readSecret(secret, place, form)
    const sign = 'sign' in destination ? destination.sign : undefined
    if (sign?.secrets.includes(secret) === true) readSigningKey(secret, held, sign.kind)
    if (!('file' in secret)) return undefined
    const { name, mode } = findFile(secret, place)
    if ((mode & 0o004) === 0) return undefined
    const why = `${name} can be read by everybody (chmod o-r)`
    return { level: 'warning', message: `secret ${formatSecret(secret)}: ${why}` }
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const doubt = doubtOf(secret, place, error)
    if (doubt === undefined) return { level: 'error', message: error.message }
    return { level: 'warning', message: `${error.message} (${doubt})` }
  }
}

/** Why a check from a shell cannot tell what the daemon will find; undefined when it can. */
function doubtOf(secret: Secret, place: SecretPlace, error: MsgqError): string | undefined {
  if ('env' in secret && place.env[secret.env] === undefined)
    return 'here; the environment of the daemon may have it'
  if (errnoOf(error.cause) === 'EACCES') return 'for you; the daemon may be allowed to'
  const credential = 'file' in secret && !secret.file.includes('/')
  if (credential && error.cause === MISSING && place.credentialsDirectory === undefined)
    return 'here; systemd may give it to the daemon as a credential'
  return undefined
}

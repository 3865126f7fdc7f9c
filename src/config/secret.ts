/**
 * secret - looks a secret up at the moment it is needed.
 *
 * A relative name is looked for in systemd's credentials folder, then beside msgq.toml. What
 * is found is never part of a message; errors name the reference. The files are read anew each
 * time and at once: they are tiny, and one that was renewed counts from the next attempt on.
 */
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'

import { isMissing, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { hasControl } from '../base/text.ts'
import { signingKey } from '../message/signature.ts'
import type { SignatureKind, SigningKey } from '../message/signature.ts'
import type { Config } from './config.ts'
import { formatSecret } from './reference.ts'
import type { Secret } from './reference.ts'
import type { SecretForm } from './wire.ts'

/** Longest file that is taken for a secret, in bytes. */
const LIMIT = 64 * 1024

/** Where secrets are looked for. */
export interface SecretPlace {
  readonly env: Readonly<Record<string, string | undefined>>
  /** systemd's, where it gives us one. */
  readonly credentialsDirectory?: string
  /** The folder of msgq.toml; absent without a configuration. */
  readonly configDir?: string
}

/** Where the secrets of a configuration are looked for. */
export function secretPlace(
  config: Pick<Config, 'files'>,
  env: SecretPlace['env'],
): SecretPlace {
  const credentialsDirectory = env['CREDENTIALS_DIRECTORY']
  const file = config.files[0]
  return {
    env,
    ...(credentialsDirectory ? { credentialsDirectory } : {}),
    ...(file === undefined ? {} : { configDir: dirname(file) }),
  }
}

/** The secret itself, without the newline at its end; throws `config` when there is none. */
export function readSecret(
  secret: Secret,
  place: SecretPlace,
  form: SecretForm = 'line',
): string {
  if ('inline' in secret) return secret.inline
  if ('env' in secret) {
    const held = place.env[secret.env]
    if (held === undefined) throw defect(secret, 'is not set')
    return checked(secret, held, form)
  }
  return checked(secret, findFile(secret, place).text, form)
}

function checked(secret: Secret, held: string, form: SecretForm): string {
  const value = held.replace(/\r?\n$/, '')
  if (value === '') throw defect(secret, 'is empty')
  if (form === 'pem') {
    if (/^-----BEGIN /m.test(value)) return value
    throw defect(secret, 'is no PEM file (-----BEGIN ...)')
  }
  if (hasControl(value)) throw defect(secret, 'has a line break or a control character')
  return value
}

/** The files that a reference may mean, the one that counts first. */
function candidates({ file }: { file: string }, place: SecretPlace): string[] {
  if (isAbsolute(file)) return [file]
  const { credentialsDirectory, configDir } = place
  // Credentials are files without folders: `../x` is nothing of systemd's.
  const credential =
    credentialsDirectory !== undefined && !file.includes('/')
      ? [resolve(credentialsDirectory, file)]
      : []
  return [...credential, ...(configDir === undefined ? [] : [resolve(configDir, file)])]
}

interface SecretFile {
  readonly name: string
  readonly text: string
  readonly mode: number
}

/** The file that a reference means; throws `config` where there is none that can be read. */
export function findFile(
  secret: { readonly file: string },
  place: SecretPlace,
): SecretFile {
  const names = candidates(secret, place)
  for (const name of names)
    try {
      return readFileOf(secret, name)
    } catch (error) {
      if (error instanceof MsgqError) throw error
      // Only what is not there is looked for elsewhere.
      if (!isMissing(error)) throw defect(secret, `${name}: ${plainError(error)}`, error)
    }
  throw defect(secret, `no such file: ${names.join(', ') || secret.file}`, MISSING)
}

function readFileOf(secret: Secret, name: string): SecretFile {
  const file = statSync(name)
  // A pipe would keep the delivery waiting.
  if (!file.isFile()) throw defect(secret, `${name} is not a file`)
  if (file.size > LIMIT) throw defect(secret, `${name} is too large for a secret`)
  return { name, text: readFileSync(name, 'utf8'), mode: file.mode }
}

/** The key that a secret is; throws `config` for what is none, and never shows it. */
export function readSigningKey(
  secret: Secret,
  held: string,
  kind: SignatureKind | undefined,
): SigningKey {
  try {
    return signingKey(held, kind)
  } catch (error) {
    throw defect(secret, plainError(error))
  }
}

/** The cause of an error about a file that is in none of its places. */
export const MISSING = new Error('missing')

function defect(secret: Secret, why: string, cause?: unknown): MsgqError {
  return new MsgqError('config', `secret ${formatSecret(secret)}: ${why}`, undefined, cause)
}

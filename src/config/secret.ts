/**
 * secret - looks a secret up at the moment it is needed, and says beforehand what is wrong.
 *
 * A relative name is looked for in systemd's credentials folder, then beside msgq.toml. What
 * is found is never part of a message; errors name the reference. The files are read anew each
 * time and at once: they are tiny, and one that was renewed counts from the next attempt on.
 */
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'

import { errnoOf, isMissing, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { hasControl } from '../base/text.ts'
import { signingKey } from '../message/signature.ts'
import type { SignatureKind, SigningKey } from '../message/signature.ts'
import type {
  Config,
  Destination,
  ExecDestination,
  HttpDestination,
  Secret,
  Within,
} from './config.ts'
import { PRESETS } from './presets/all.ts'
import { formatPath } from './problem.ts'
import type { Path } from './problem.ts'
import { wireSecrets } from './wire.ts'
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

/** A reference as one would write it; what stands inline is not shown. */
export function formatSecret(secret: Secret | Within): string {
  if ('file' in secret) return `{ file = ${JSON.stringify(secret.file)} }`
  if ('env' in secret) return `{ env = ${JSON.stringify(secret.env)} }`
  if ('within' in secret) return formatSecret(secret.secret)
  return '"****"'
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

function findFile(secret: { readonly file: string }, place: SecretPlace): SecretFile {
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
const MISSING = new Error('missing')

function defect(secret: Secret, why: string, cause?: unknown): MsgqError {
  return new MsgqError('config', `secret ${formatSecret(secret)}: ${why}`, undefined, cause)
}

/** The secrets of a destination, each with the path of its option. */
export function secretsOf(destination: Destination): [Path, Secret, SecretForm?][] {
  const { name } = destination
  const secrets = ownSecrets(destination)
  return secrets.map(([path, ...rest]) => [['destinations', name, ...path], ...rest])
}

function ownSecrets(destination: Destination): [Path, Secret, SecretForm?][] {
  switch (destination.type) {
    case 'http':
      return httpSecrets(destination)
    case 'exec':
      return execSecrets(destination)
    case 'smtp':
      return destination.auth === undefined
        ? []
        : [[['auth', 'password'], destination.auth.password]]
    case 'file':
      return []
  }
}

function httpSecrets(destination: HttpDestination): [Path, Secret, SecretForm?][] {
  const { url, headers, auth, preset } = destination
  const secrets: [Path, Secret | Within][] = presetSecrets(preset)
  if (typeof url !== 'string') secrets.push([['url'], url])
  for (const [header, held] of Object.entries(headers))
    if (typeof held !== 'string') secrets.push([['headers', header], held])
  if (auth?.kind === 'bearer') secrets.push([['auth', 'bearer'], auth.token])
  if (auth?.kind === 'oauth2')
    secrets.push([['auth', 'oauth2', 'client_secret'], auth.clientSecret])
  if (auth?.kind === 'basic') secrets.push([['auth', 'basic', 'password'], auth.password])
  // What a preset put into URL or headers is named once, by the option that it was written as.
  const plain = secrets.map(([path, secret]): [Path, Secret] => [
    path,
    'within' in secret ? secret.secret : secret,
  ])
  const own = plain.filter(
    ([, secret], at) => plain.findIndex(([, first]) => first === secret) === at,
  )
  return [...own, ...wireSecrets(destination)]
}

function presetSecrets(preset: HttpDestination['preset']): [Path, Secret][] {
  const secrets = PRESETS.get(preset?.type ?? '')?.secrets ?? []
  return secrets.flatMap((name): [Path, Secret][] => {
    const secret = preset!.options[name] as Secret | undefined
    return secret === undefined ? [] : [[[name], secret]]
  })
}

function execSecrets({ environment }: ExecDestination): [Path, Secret, SecretForm?][] {
  return Object.entries(environment).flatMap(([name, held]) =>
    typeof held === 'string' ? [] : [[['environment', name], held]],
  )
}

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

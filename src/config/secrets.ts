/**
 * secrets - which secrets a destination names, each with the path of its option. Looks none up.
 */
import type { Destination, ExecDestination, HttpDestination } from './config.ts'
import { PRESETS } from './presets/all.ts'
import type { Path } from './problem.ts'
import type { Secret, Within } from './reference.ts'
import { wireSecrets } from './wire.ts'
import type { SecretForm } from './wire.ts'

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

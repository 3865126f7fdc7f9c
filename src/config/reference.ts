/**
 * reference - how a secret is named in a configuration: what may stand there, and what it becomes.
 *
 * Looked at for its shape, never followed and never shown: secret.ts looks it up.
 */
import { didYouMean, hasControl, printable } from '../base/text.ts'
import { isTable } from './toml.ts'
import type { Reading } from './values.ts'

/** A secret is named, never held: it is looked up at each delivery. */
export type Secret =
  { readonly file: string } | { readonly env: string } | { readonly inline: string }

/** A text with a secret at its `{}`: presets make those, nobody writes them. */
export interface Within {
  readonly within: string
  readonly secret: Secret
}

/** A reference as one would write it; what stands inline is not shown. */
export function formatSecret(secret: Secret | Within): string {
  if ('file' in secret) return `{ file = ${JSON.stringify(secret.file)} }`
  if ('env' in secret) return `{ env = ${JSON.stringify(secret.env)} }`
  if ('within' in secret) return formatSecret(secret.secret)
  return '"****"'
}

/** How a secret is named. */
export const SECRET_HINT = 'write { file = "name" } or { env = "NAME" }'

/** A reference to a secret: looked at for its shape, never followed, never shown. */
export function readSecretRef(given: unknown): Reading<Secret> {
  if (typeof given === 'string')
    return given === '' || hasControl(given)
      ? { why: 'is empty or has a control character', hint: SECRET_HINT }
      : { value: { inline: given } }
  if (!isTable(given)) return { why: 'is not a reference to a secret', hint: SECRET_HINT }
  const keys = Object.keys(given)
  const odd = keys.find((key) => key !== 'file' && key !== 'env')
  if (odd !== undefined) {
    const meant = didYouMean(odd, ['file', 'env'])
    const guess = meant === undefined ? '' : `did you mean ${meant}? `
    return { why: `unknown option ${printable(odd, 40)}`, hint: `${guess}${SECRET_HINT}` }
  }
  if (keys.length !== 1)
    return { why: 'must name one file or one variable', hint: SECRET_HINT }
  const { file, env } = given
  if (typeof file === 'string' && file !== '' && !hasControl(file))
    return { value: { file } }
  if (typeof env === 'string' && /^[A-Za-z_]\w*$/.test(env)) return { value: { env } }
  return {
    why: `is not the name of a ${keys[0] === 'file' ? 'file' : 'variable'}`,
    hint: SECRET_HINT,
  }
}

/**
 * token-check - what is wrong with the file of tokens, before a program finds out.
 *
 * Anybody may read it; whoever may write it lets in whom he likes.
 */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

import { MsgqError } from '../base/errors.ts'
import type { Config } from './config.ts'
import { readTokens, tokenPath } from './tokens.ts'
import type { Token } from './tokens.ts'

export interface TokenProblem {
  readonly level: 'error' | 'warning'
  readonly message: string
  readonly hint?: string
}

const OTHERS_WRITE = 0o002
const GROUP_WRITES = 0o020
const STICKY = 0o1000

/** What is wrong; nothing where the configuration names no file of tokens. */
export function tokenProblems(
  { listen: { tokens: named }, files, destinations }: Config,
  env: Readonly<Record<string, string | undefined>>,
): TokenProblem[] {
  if (named === undefined) return []
  const path = tokenPath(named, files[0], env['CREDENTIALS_DIRECTORY'])
  try {
    const tokens = readTokens(path)
    return [
      ...whoWrites(path, files[0]),
      ...tokens.flatMap((token) => namesOf(token, destinations)),
      ...twice(tokens),
    ]
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const { message, hint } = error
    return [{ level: 'error', message, ...(hint === undefined ? {} : { hint }) }]
  }
}

function whoWrites(path: string, configFile: string | undefined): TokenProblem[] {
  const warn = (message: string, hint: string): TokenProblem[] => [
    { level: 'warning', message: `tokens: ${path}: ${message}`, hint },
  ]
  const file = statSync(path, { throwIfNoEntry: false })
  if (file === undefined)
    return warn('is not there: nobody comes in over TCP', 'msgq token add NAME makes it')
  const trusted = [0, process.geteuid?.()]
  if (configFile !== undefined) trusted.push(statSync(configFile).uid)
  if (!trusted.includes(file.uid))
    return warn(
      `is that of uid ${file.uid}, who may let in anybody`,
      'chown it to root, or to the owner of msgq.toml',
    )
  if ((file.mode & (OTHERS_WRITE | GROUP_WRITES)) !== 0) {
    const mode = (file.mode & 0o777).toString(8).padStart(4, '0')
    return warn(
      `others may write it (mode ${mode}), and let in anybody`,
      `chmod go-w ${path}`,
    )
  }
  const folder = dirname(path)
  const { mode } = statSync(folder)
  if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0)
    return warn('anybody may put another in its place', `chmod o-w ${folder}`)
  return []
}

function namesOf({ name, to = [] }: Token, known: Config['destinations']): TokenProblem[] {
  const gone = to.filter((each) => !known.has(each))
  if (gone.length === 0) return []
  const message = `tokens: ${name}: no such destination: ${gone.join(', ')}`
  return [{ level: 'warning', message, hint: `msgq token remove ${name}, and add it anew` }]
}

function twice(tokens: readonly Token[]): TokenProblem[] {
  const names = tokens.map(({ name }) => name)
  return names
    .filter((name, at) => names.indexOf(name) < at)
    .map((name) => ({ level: 'error', message: `tokens: ${name}: stands twice` }))
}

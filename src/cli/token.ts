/**
 * token - makes, lists and removes the tokens with which programs come in over HTTP.
 *
 * A token is printed once, when it is made, and kept nowhere: the file has its hash. The daemon
 * takes a change at the next request, without a reload. Whoever may write the file may do it.
 */
import { randomBytes } from 'node:crypto'

import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import type { Config } from '../config/config.ts'
import type { Flags } from '../config/find.ts'
import {
  TOKEN_SCOPES,
  isTokenName,
  readTokens,
  tokenPath,
  writeTokens,
} from '../config/tokens.ts'
import type { Token, TokenScope } from '../config/tokens.ts'
import { tokenHash } from '../intake/tokens.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { listed } from '../library/lane-words.ts'
import { formatTable } from './table.ts'

interface Options {
  readonly scope?: string
  readonly to?: string
  readonly json?: boolean
}

const HELP = `
  msgq token add shop --scope send --to crm,ops
  msgq token list
  msgq token remove shop

[listen] tokens of msgq.toml names the file. A token is shown once, when it is made.`

const COLUMNS = ['NAME', 'SCOPES', 'TO', 'MADE'].map((head) => ({ head }))

/** `msgq token`. */
export const define: Define = (command, begin) => {
  command
    .argument('<what>', 'add, list or remove')
    .argument('[NAME]', 'whose it is')
    .option('--scope <scopes>', `what it may: ${TOKEN_SCOPES.join(', ')} (default: send)`)
    .option('--to <destinations>', 'the destinations that it is good for (default: all)')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((what: string, name: string | undefined, options: Options) =>
      begin((io, flags) => run({ what, name, options }, io, flags)),
    )
}

interface Line {
  readonly what: string
  readonly name: string | undefined
  readonly options: Options
}

async function run({ what, name, options }: Line, io: Io, flags: Flags): Promise<number> {
  if (!['add', 'list', 'remove'].includes(what))
    throw new MsgqError('usage', `is none of add, list and remove: ${JSON.stringify(what)}`)
  const { loadConfig } = await import('../config/load.ts')
  const config = loadConfig(io.environment, flags)
  const path = pathOf(config)
  const tokens = readTokens(path)
  if (what === 'list') {
    await list(io, tokens, options.json ?? false)
    return 0
  }
  if (name === undefined)
    throw new MsgqError('usage', `${what}: whose?`, `msgq token ${what} NAME`)
  if (what === 'add') await add({ name, options, tokens, path, config }, io)
  else await remove({ name, tokens, path })
  return 0
}

function pathOf({ listen: { tokens }, files }: Config): string {
  if (tokens !== undefined) return tokenPath(tokens, files[0], undefined)
  throw new MsgqError(
    'config',
    '[listen] tokens: names no file',
    'write tokens = { file = "tokens" } below [listen] in msgq.toml, then restart msgqd',
  )
}

interface Addition {
  readonly name: string
  readonly options: Options
  readonly tokens: readonly Token[]
  readonly path: string
  readonly config: Config
}

async function add({ name, options, tokens, path, config }: Addition, io: Io) {
  if (!isTokenName(name))
    throw new MsgqError(
      'usage',
      `cannot be a name: ${JSON.stringify(name)}`,
      'write it in a-z, 0-9, . _ and -, at most 64, a letter or digit first',
    )
  if (tokens.some((token) => token.name === name))
    throw new MsgqError('usage', `${name}: is there already`, `msgq token remove ${name}`)
  const scopes = scopesOf(options.scope ?? 'send')
  const to = options.to === undefined ? undefined : receiversOf(options.to, config)
  // The prefix says what it is to whoever finds it in a log or a repository.
  const secret = `msgq_${randomBytes(32).toString('base64url')}`
  const token: Token = {
    name,
    sha256: tokenHash(secret),
    scopes,
    ...(to === undefined ? {} : { to }),
    createdAt: new Date(io.clock.now()).toISOString(),
  }
  await writeTokens(path, [...tokens, token])
  await io.print(options.json ? jsonLine({ name, token: secret }) : `${secret}\n`)
}

function scopesOf(text: string): TokenScope[] {
  const words = text.split(',')
  for (const word of words) {
    if (TOKEN_SCOPES.some((scope) => scope === word)) continue
    const meant = didYouMean(word, TOKEN_SCOPES)
    throw new MsgqError(
      'usage',
      `--scope: is none of ${TOKEN_SCOPES.join(', ')}: ${JSON.stringify(word)}`,
      meant === undefined ? 'several have commas between them' : `did you mean ${meant}?`,
    )
  }
  return TOKEN_SCOPES.filter((scope) => words.includes(scope))
}

function receiversOf(text: string, { destinations }: Config): string[] {
  const names = text.split(',')
  for (const name of names) {
    if (destinations.has(name)) continue
    const meant = didYouMean(name, destinations.keys())
    throw new MsgqError(
      'usage',
      `--to: no such destination: ${JSON.stringify(name)}`,
      meant === undefined ? listed(new Set(destinations.keys())) : `did you mean ${meant}?`,
    )
  }
  return names
}

async function remove({ name, tokens, path }: Pick<Addition, 'name' | 'tokens' | 'path'>) {
  const left = tokens.filter((token) => token.name !== name)
  if (left.length === tokens.length) {
    const meant = didYouMean(
      name,
      tokens.map((token) => token.name),
    )
    throw new MsgqError(
      'no-input',
      `no such token: ${JSON.stringify(name)}`,
      meant === undefined
        ? 'msgq token list tells which there are'
        : `did you mean ${meant}?`,
    )
  }
  await writeTokens(path, left)
}

async function list(io: Io, tokens: readonly Token[], json: boolean): Promise<void> {
  if (json) {
    for (const { sha256: _, ...shown } of tokens) await io.print(jsonLine(shown))
    return
  }
  if (tokens.length === 0) return io.print('no tokens\n')
  const rows = tokens.map(({ name, scopes, to, createdAt }) => [
    name,
    scopes.join(','),
    to?.join(',') ?? '(all)',
    createdAt.slice(0, 10),
  ])
  await io.print(`${formatTable(COLUMNS, rows).join('\n')}\n`)
}

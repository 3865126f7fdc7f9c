/**
 * tokens - the file with the tokens of `[listen]`: for each its name, what it may do, its hash.
 *
 * A token is 256 random bits, so its SHA-256 gives nothing away, and the file may be read by
 * anybody: root writes it, the daemon reads it. A file that is not there holds none. One that
 * cannot be read or understood is an error, and nobody comes in.
 */
import { readFileSync, statSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'

import { replaceFile } from '../base/durable.ts'
import { isMissing, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'

const VERSION = 1

/** What a token may be for. */
export const TOKEN_SCOPES = ['send', 'read', 'operate'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

export interface Token {
  readonly name: string
  /** Of the token, in hex. */
  readonly sha256: string
  readonly scopes: readonly TokenScope[]
  /** Destinations that it is good for; absent: all. */
  readonly to?: readonly string[]
  readonly createdAt: string
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/

/** True for what a token may be called. */
export function isTokenName(name: string): boolean {
  return NAME.test(name)
}

/** The file that `[listen] tokens` names: systemd's credential, else beside msgq.toml. */
export function tokenPath(
  { file }: { readonly file: string },
  configFile: string | undefined,
  credentialsDirectory: string | undefined,
): string {
  if (isAbsolute(file)) return file
  if (credentialsDirectory && !file.includes('/')) {
    const credential = resolve(credentialsDirectory, file)
    if (statSync(credential, { throwIfNoEntry: false }) !== undefined) return credential
  }
  return configFile === undefined ? resolve(file) : resolve(dirname(configFile), file)
}

/** The tokens of a file; throws (config) for one that cannot be understood. */
export function readTokens(path: string): readonly Token[] {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return []
    throw unreadable(path, error)
  }
  try {
    const { v, tokens } = JSON.parse(text) as { v?: unknown; tokens?: unknown }
    if (v === VERSION && Array.isArray(tokens) && tokens.every(isToken)) return tokens
  } catch {
    // Said below.
  }
  throw new MsgqError(
    'config',
    `tokens: ${path}: is no file of tokens`,
    'msgq token makes it; put it back, or remove it and make the tokens anew',
  )
}

function isToken(raw: unknown): raw is Token {
  if (typeof raw !== 'object' || raw === null) return false
  const { name, sha256, scopes, to, createdAt } = raw as Record<string, unknown>
  return (
    typeof name === 'string' &&
    isTokenName(name) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    areTexts(scopes) &&
    scopes.every((scope) => TOKEN_SCOPES.some((known) => known === scope)) &&
    (to === undefined || areTexts(to)) &&
    typeof createdAt === 'string'
  )
}

function areTexts(raw: unknown): raw is string[] {
  return Array.isArray(raw) && raw.every((each) => typeof each === 'string')
}

/** Writes all the tokens of a file, whole or not at all. */
export async function writeTokens(path: string, tokens: readonly Token[]): Promise<void> {
  const text = `${JSON.stringify({ v: VERSION, tokens }, null, 2)}\n`
  try {
    // What is a link stays one.
    const target = await fs.realpath(path).catch(() => path)
    await replaceFile(target, text, { mode: 0o644, alone: true })
  } catch (error) {
    const why = `tokens: ${path}: ${plainError(error)}`
    throw new MsgqError('cannot-create', why, undefined, error)
  }
}

/** The tokens of a file as it is now; it is read again only when it has changed. */
export class TokenFile {
  readonly #path: string
  #stamp = ''
  #tokens: readonly Token[] = []

  constructor(path: string) {
    this.#path = path
  }

  get tokens(): readonly Token[] {
    const stamp = stampOf(this.#path)
    if (stamp !== this.#stamp) {
      this.#tokens = readTokens(this.#path)
      this.#stamp = stamp
    }
    return this.#tokens
  }
}

function stampOf(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
    return stat === undefined ? 'none' : `${stat.ino} ${stat.ctimeNs} ${stat.size}`
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): MsgqError {
  return new MsgqError('config', `tokens: ${path}: ${plainError(error)}`, undefined, error)
}

/**
 * glance - what `msgq send` reads of a configuration without loading a parser.
 *
 * Only `spool` and `any_filesystem`, only in their plain form, only above the first table.
 * What stands elsewhere in the file may be broken. Where the text could mean a spool in any
 * other way it says that it is in doubt and does not guess: a message in the wrong spool is
 * a message that nobody delivers.
 */
import { didYouMean, hasControl } from '../base/text.ts'

export interface Glance {
  readonly spool?: string
  readonly anyFilesystem?: boolean
  /** Only the parser can tell what the file says of the spool. */
  readonly doubtful: boolean
}

// One line, no escapes; U+FFFD stands for bytes that were no text.
const SPOOL =
  /^[ \t]*spool[ \t]*=[ \t]*(?:"([^"\\\p{Cc}\uFFFD]+)"|'([^'\p{Cc}\uFFFD]+)')[ \t]*(?:#.*)?$/u
const ANY = /^[ \t]*any_filesystem[ \t]*=[ \t]*(true|false)[ \t]*(?:#.*)?$/
const NOTHING = /^[ \t]*(?:#.*)?$/
const TABLE = /^[ \t]*\[/

/** What the head of a text says plainly. */
export function glance(text: string): Glance {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const table = lines.findIndex((line) => TABLE.test(line))
  const head = table === -1 ? lines : lines.slice(0, table)
  const spools = head.map((line) => SPOOL.exec(line)).filter((match) => match !== null)
  const any = head.map((line) => ANY.exec(line)).find((match) => match !== null)
  const doubtful =
    spools.length > 1 ||
    head.some(isDoubtful) ||
    (table !== -1 && lines.slice(table).some(isStray))
  const spool = doubtful ? undefined : (spools[0]?.[1] ?? spools[0]?.[2])
  return {
    doubtful,
    ...(spool === undefined ? {} : { spool }),
    ...(any == null ? {} : { anyFilesystem: any[1] === 'true' }),
  }
}

/** A line of the head that may say something of the spool in a way that is not plain. */
function isDoubtful(line: string): boolean {
  if (NOTHING.test(line) || SPOOL.test(line)) return false
  if (line.includes('"""') || line.includes("'''")) return true
  const key = line.split('=', 1)[0]!.trim()
  return /^["']/.test(key) || looksLikeSpool(key)
}

/** True for a key that is `spool`, has it in its name, or was meant to be it. */
export function looksLikeSpool(key: string): boolean {
  return /spool/i.test(key) || didYouMean(key, ['spool']) !== undefined
}

/** `spool` in a table, or as one, means nothing; somebody meant it all the same. */
function isStray(line: string): boolean {
  return /^[ \t]*(?:["']?spool["']?[ \t]*=|\[+[ \t]*["']?spool\b)/.test(line)
}

/** Why a text cannot be the name of a spool; undefined when it can. */
export function spoolDefect(spool: string): string | undefined {
  if (spool === '') return 'is empty'
  if (hasControl(spool)) return 'has a control character'
  if (spool.startsWith('~')) return 'begins with ~, which only a shell expands'
  return undefined
}

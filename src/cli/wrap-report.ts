/**
 * wrap-report - what is told of a command that ended: subject, level, and the text. Pure.
 */
import { basename } from 'node:path'

import { briefDuration, formatDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import type { Draft, Level } from '../message/draft.ts'
import { exactTime } from './clock-text.ts'
import type { Verdict } from './occasion.ts'
import type { Ended } from './run-command.ts'
import { commandLine } from './shell-words.ts'
import { sizeText } from './size-text.ts'

/** What ran, and where. */
export interface Subject {
  /** What it is called; takes the place of the command line, which may hold secrets. */
  readonly name?: string
  readonly command: readonly [string, ...string[]]
  readonly host: string
  readonly user?: string
}

export interface Wording {
  readonly isJson: boolean
  /** Said by the user, in place of ours. */
  readonly subject?: string
  /** Of a failure. */
  readonly level?: Level
}

export interface Report {
  readonly draft: Pick<Draft, 'subject' | 'level' | 'contentType'>
  readonly body: string
}

/** Characters of a command line in a subject. */
const SUBJECT = 80

/** The report of a run. */
export function reportOf(
  about: Subject,
  ended: Ended,
  verdict: Verdict,
  { isJson, ...said }: Wording,
): Report {
  const failed = ended.code !== 0
  const subject = said.subject ?? headline(about, ended, verdict)
  const level = failed ? (said.level ?? 'error') : 'success'
  return {
    draft: { subject, level, ...(isJson ? { contentType: 'application/json' } : {}) },
    body: isJson ? jsonBody(about, ended, verdict) : textBody(about, ended, verdict),
  }
}

/** `backup.sh failed on web1 (exit 2)`. */
export function headline(about: Subject, ended: Ended, verdict: Verdict): string {
  const { failures = 0 } = verdict
  const name = printable(about.name ?? shortCommand(about.command), SUBJECT)
  const head = (what: string) => `${name} ${what} on ${about.host}`
  if (ended.unstarted !== undefined)
    return `${head('could not be started')} (${ended.unstarted})`
  if (ended.code !== 0) return `${head('failed')} (${endText(ended)})`
  switch (verdict.reason) {
    case 'recover':
      return `${head('works again')} ${afterText(failures)}`
    case 'change':
      return head('says something else')
    case 'output':
      return head('said something')
    default:
      return head('worked')
  }
}

/** A command line without the folder of the command; of `sh -c` what the shell runs. */
function shortCommand([file, ...words]: Subject['command']): string {
  const name = basename(file)
  const [first, script] = words
  if (/^(?:ba|da|k|z)?sh$/.test(name) && /^-\w*c$/.test(first ?? '') && script)
    return script
  return commandLine([name, ...words])
}

function afterText(failures: number): string {
  return `after ${failures} ${failures === 1 ? 'failure' : 'failures'}`
}

function endText({ code, signal }: Ended): string {
  return signal ?? `exit ${code}`
}

function textBody(about: Subject, ended: Ended, verdict: Verdict): string {
  const { startedAt, ms, output } = ended
  const { failures = 0, since } = verdict
  const failed = ended.code !== 0
  const lines = [about.name ?? printable(commandLine(about.command), 1000)]
  const began = exactTime(startedAt, startedAt)
  const by = about.user === undefined ? '' : ` as ${about.user}`
  lines.push(
    ended.unstarted === undefined
      ? `${endText(ended)} after ${lasted(ms)}, on ${about.host}${by}, begun ${dateOf(startedAt)} ${began}`
      : `could not be started: ${ended.unstarted}, on ${about.host}${by}, ${dateOf(startedAt)} ${began}`,
  )
  if (since !== undefined && failed && failures > 1)
    lines.push(`failed ${failures} times in a row, since ${stamp(since)}`)
  if (since !== undefined && !failed && failures > 0)
    lines.push(`works again ${afterText(failures)}, failing since ${stamp(since)}`)
  if (ended.unstarted !== undefined) return `${lines.join('\n')}\n`
  const { text, cut } = output.text()
  if (output.total === 0) return `${lines.join('\n')}\n\n(no output)\n`
  const before = cut === 0 ? '' : `... ${sizeText(cut)} before this\n`
  return `${lines.join('\n')}\n\n${before}${text}${text.endsWith('\n') ? '' : '\n'}`
}

/** Members are public. */
function jsonBody(about: Subject, ended: Ended, verdict: Verdict): string {
  const { code, signal, unstarted, startedAt, ms, output } = ended
  const { reason, failures, since } = verdict
  const { name, command, host, user } = about
  const { text, cut } = output.text()
  return JSON.stringify({
    ...(name === undefined ? { command } : { name }),
    ok: code === 0,
    reason,
    code,
    signal,
    error: unstarted,
    host,
    user,
    startedAt: new Date(startedAt).toISOString(),
    ms: Math.round(ms),
    failures,
    failingSince: since,
    output: text,
    outputBytes: output.total,
    outputCut: cut,
  })
}

/** To the second, or less where it was over within one. */
function lasted(ms: number): string {
  return ms < 10_000 ? briefDuration(ms) : formatDuration(Math.round(ms / 1_000) * 1_000)
}

function stamp(time: string): string {
  const at = Date.parse(time)
  return `${dateOf(at)} ${exactTime(at, at)}`
}

/** A day of the reader's zone. */
function dateOf(ms: number): string {
  const at = new Date(ms)
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()]
    .map((number) => String(number).padStart(2, '0'))
    .join('-')
}

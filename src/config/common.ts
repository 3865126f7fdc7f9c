/**
 * common - the options that a destination has whatever its type, and what they come to.
 *
 * What a sender may not put into a message a configuration may not put into it either: texts
 * pass through `checkDraft`.
 */
import * as v from 'valibot'

import { MsgqError } from '../base/errors.ts'
import { checkDraft } from '../message/draft.ts'
import type { Draft } from '../message/draft.ts'
import type { DestinationBase } from './config.ts'
import { fallbackEntries, fallbackOf } from './fallback.ts'
import type { House } from './in-force.ts'
import { laneTable, retryTable, table } from './options.ts'
import { orderEntries, orderOptions } from './order.ts'
import { schemaEntry } from './schema-file.ts'
import { show, value, word } from './values.ts'
import type { Reading } from './values.ts'

/** Why a text cannot stand where it does. */
export interface Defect {
  readonly why: string
  readonly hint?: string
}

/** What `checkDraft` says of a draft; undefined when nothing. */
export function draftDefect(draft: Draft): Defect | undefined {
  try {
    checkDraft(draft)
    return undefined
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    // It names the member of the draft first; here the option is named already.
    const why = error.message.replace(/^\w+: /, '')
    return error.hint === undefined ? { why } : { why, hint: error.hint }
  }
}

/** A text that stands in a member of the message, and in a header. */
export function readMember(
  member: 'method' | 'contentType',
  given: unknown,
): Reading<string> {
  if (typeof given !== 'string') return { why: `is not a text: ${show(given)}` }
  const defect = draftDefect({ to: 'x', [member]: given })
  if (defect !== undefined) return defect
  const header = draftDefect({ to: 'x', headers: { 'content-type': given } })
  return header === undefined ? { value: given } : { why: 'cannot stand in a header' }
}

/** The first of every table; which there are says kinds.ts. */
export const typeEntry = v.string()

/** Each in every table, behind what the type has of its own. */
export const commonEntries = {
  content_type: v.optional(value((given) => readMember('contentType', given))),
  retry: v.optional(retryTable),
  lane: v.optional(laneTable),
  on_timeout: v.optional(word(['retry', 'hold', 'bounce'])),
  ...orderEntries,
  ...schemaEntry,
  fallback: v.optional(
    table(
      fallbackEntries,
      { to: 'write to = "pager"' },
      'write { to = "pager", after = "10m" }',
    ),
  ),
}

const commonTable = table(commonEntries)

/** What every destination has, but for its place and its schema, which is a file (schema-file.ts). */
export function commonPartOf(
  { content_type, on_timeout, fallback, ...order }: v.InferOutput<typeof commonTable>,
  { retry, lane }: House,
): Omit<DestinationBase, 'name' | 'where'> {
  return {
    ...(content_type === undefined ? {} : { contentType: content_type }),
    retry,
    lane,
    ...(on_timeout === undefined || on_timeout === 'retry'
      ? {}
      : { onTimeout: on_timeout }),
    ...orderOptions(order),
    ...fallbackOf(fallback),
  }
}

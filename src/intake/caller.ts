/**
 * caller - who asks, as far as that can be known, and what he may do.
 *
 * Node.js cannot ask a Unix socket who is at its other end (SO_PEERCRED): who comes without a
 * token is known by the door he came through and by nothing else. docs/decisions/0037-intake.md.
 */
import { hostname } from 'node:os'

import { looksLikeUrl } from '../message/lane.ts'
import type { Sender } from '../message/envelope.ts'
import { Refusal } from './refusal.ts'

/** What a caller may be allowed to do. */
export const SCOPES = ['send', 'read', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

/** The two sockets and TCP. */
export const DOORS = ['submit', 'control', 'http'] as const
export type Door = (typeof DOORS)[number]

export interface Caller {
  readonly door: Door
  /** The name of the token that he showed. */
  readonly token?: string
  readonly scopes: readonly Scope[]
  /** The destinations that he may name and see; absent: all. */
  readonly to?: readonly string[]
}

/** What each door lets somebody do who shows no token. */
export const WITHOUT_TOKEN: Readonly<Record<Door, readonly Scope[]>> = {
  submit: ['send'],
  control: SCOPES,
  http: ['send'],
}

/** Throws unless the caller may do one of these. */
export function checkScope(caller: Caller, scopes: readonly Scope[]): void {
  if (scopes.length === 0 || scopes.some((scope) => caller.scopes.includes(scope))) return
  const who = caller.token ?? `${caller.door} without a token`
  throw new Refusal(403, 'scope', `${who}: may not ${scopes.join(' or ')}`, {
    hint: `msgq token add NAME --scope ${scopes[0]}`,
  })
}

/** Throws unless the caller may send there. */
export function checkReceiver(
  { to: allowed, token = '' }: Caller,
  { to, event }: { readonly to?: string; readonly event?: string },
): void {
  if (allowed === undefined) return
  if (to !== undefined && !looksLikeUrl(to) && allowed.includes(to)) return
  const field = event === undefined ? 'to' : 'event'
  throw new Refusal(
    403,
    'destination',
    `${token}: may send to ${allowed.join(', ')} only`,
    {
      field,
    },
  )
}

/** Throws for one who is let in for some destinations, of what is about all of them. */
export function checkWhole({ to, token = '' }: Caller): void {
  if (to === undefined) return
  throw new Refusal(403, 'destination', `${token}: is for ${to.join(', ')} only`, {
    hint: 'this is about all of them: msgq token add NAME, without --to',
  })
}

/** True for a lane that the caller may see. */
export function maySee({ to }: Caller, lane: string): boolean {
  return to === undefined || to.includes(laneName(lane))
}

/** A lane without the chain of its order. */
function laneName(lane: string): string {
  return lane.split('~', 1)[0] as string
}

/** Whom the envelope names: the daemon wrote it, and says through which door it came. */
export function senderOf({ door, token }: Caller): Sender {
  const host = hostname()
  return {
    uid: process.getuid!(),
    ...(host === '' ? {} : { host }),
    door,
    ...(token === undefined ? {} : { token }),
  }
}

/** Who acts, for the trail. */
export function actorOf({ door, token }: Caller): string {
  return token === undefined ? door : `token ${token}`
}

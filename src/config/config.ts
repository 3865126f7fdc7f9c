/**
 * config - what is in force, after defaults, file, conf.d and environment. Plain data.
 *
 * Spans are in milliseconds, sizes in bytes; Infinity stands for "forever" and "none".
 */
import type { AfterOptions } from './after.ts'
import type { Fallback } from './fallback.ts'
import type { ListenOptions } from './listen.ts'
import type { OAuth2 } from './oauth2.ts'
import type { OrderOptions } from './order.ts'
import type { Rate } from './rate.ts'
import type { Secret, Within } from './reference.ts'
import type { Route } from './route.ts'
import type { Rule } from './rule.ts'
import type { EventSchema, Schema } from './schema.ts'
import type { WireOptions } from './wire.ts'

export type Auth =
  | { readonly kind: 'bearer'; readonly token: Secret }
  | { readonly kind: 'basic'; readonly user: string; readonly password: Secret }
  | OAuth2

export interface RetryOptions {
  readonly min: number
  readonly factor: number
  readonly max: number
  /** Share of the delay by which it varies, 0 to 1. */
  readonly jitter: number
  /** Most attempts; 0 is no limit. */
  readonly tries: number
  readonly lifetime: number
}

export interface HttpOptions {
  /** The whole attempt. */
  readonly timeout: number
  readonly connectTimeout: number
  /** From the request sent to the response's headers. */
  readonly headersTimeout: number
  /** Ranges of addresses that no request may go to, as they were written. */
  readonly deny: readonly string[]
  /** Those that it may go to all the same. */
  readonly allow: readonly string[]
}

export interface LaneOptions {
  /** How many attempts may be under way at once, at most. */
  readonly window: number
  /** With how many it begins; absent: the window is fixed. */
  readonly first?: number
  /** Absent: as many as there are. */
  readonly rate?: Rate
}

/** What every receiver has, whatever the way to it (common.ts). */
export interface DestinationBase extends OrderOptions {
  readonly name: string
  readonly contentType?: string
  /** What the body of a message to it must be. */
  readonly schema?: Schema
  readonly retry: RetryOptions
  readonly lane: LaneOptions
  /** What becomes of a message that may have arrived; absent: it is tried again. */
  readonly onTimeout?: 'hold' | 'bounce'
  /** Where else a message goes that cannot be delivered. */
  readonly fallback?: Fallback
  /** `file:line` of its definition, for messages. */
  readonly where: string
}

/** A request to a URL (destination.ts). Bare URLs get one made of the defaults. */
export interface HttpDestination extends DestinationBase, WireOptions {
  readonly type: 'http'
  readonly url: string | Secret | Within
  readonly method: string
  readonly headers: Readonly<Record<string, string | Secret | Within>>
  readonly auth?: Auth
  /** What answers mean, before the table of plain HTTP; the first rule that fits. */
  readonly on?: readonly Rule[]
  /** The service that it is, with what only that knows of (presets/). */
  readonly preset?: {
    readonly type: string
    readonly options: Readonly<Record<string, unknown>>
    readonly tooLong: 'cut' | 'bounce'
  }
  readonly http: HttpOptions
}

/** A program that is started for each message. */
export interface ExecDestination extends DestinationBase {
  readonly type: 'exec'
  /** The program and its arguments; no shell looks at them. */
  readonly command: readonly [string, ...string[]]
  readonly directory: string
  readonly environment: Readonly<Record<string, string | Secret>>
  /** The whole attempt. */
  readonly timeout: number
}

/** A file that each message is appended to as a line of JSON. */
export interface FileDestination extends DestinationBase {
  readonly type: 'file'
  readonly path: string
}

/** A mail to a server. */
export interface SmtpDestination extends DestinationBase {
  readonly type: 'smtp'
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly auth?: { readonly user: string; readonly password: Secret }
  /** An address, or `Name <address>`. */
  readonly from: string
  /** Addresses. */
  readonly recipients: readonly string[]
  /** The whole attempt. */
  readonly timeout: number
}

/** One receiver, by the way to it. */
export type Destination =
  HttpDestination | ExecDestination | SmtpDestination | FileDestination

export interface Config extends AfterOptions {
  /** Files that were read, in order; none when there is no configuration. */
  readonly files: readonly string[]
  /** Which state of those files was read (stamp.ts); absent where none was. */
  readonly revision?: string
  readonly spool: string
  /** The spool may be made when it is missing: it is the default one. */
  readonly spoolIsDefault: boolean
  readonly anyFilesystem: boolean
  readonly send: {
    readonly to?: string
    readonly messageSizeLimit: number
    readonly minFree: number
  }
  /** Where `msgq sendmail` sends the mail of whom; names in lower case. */
  readonly mail: ReadonlyMap<string, string>
  /** Who else may send, and how much of one other user may wait. */
  readonly submit: {
    readonly shared: boolean
    readonly maxMessages: number
    readonly maxBytes: number
  }
  /** Where and for whom the daemon answers HTTP. */
  readonly listen: ListenOptions
  readonly retry: RetryOptions
  readonly http: HttpOptions
  readonly lane: LaneOptions
  readonly activeLimit: number
  readonly keys: { readonly window: number }
  readonly stop: { readonly grace: number }
  readonly log: {
    readonly level: string
    readonly format: 'auto' | 'json' | 'text'
    /** How long a day of the delivery journal is kept. */
    readonly retention: number
  }
  readonly destinations: ReadonlyMap<string, Destination>
  /** In their order: of two that lead an event to one destination the first counts. */
  readonly routes: readonly Route[]
  readonly events: {
    readonly unrouted: 'bounce' | 'drop'
    /** Each that an event fits holds for it. */
    readonly schemas: readonly EventSchema[]
  }
  /** Things that are legal and unwise, each a printable line with its place. */
  readonly warnings: readonly string[]
}

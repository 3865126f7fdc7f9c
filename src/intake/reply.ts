/**
 * reply - what a route answers: JSON, or a stream of text that it writes itself.
 */
export interface JsonReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json: unknown
}

export interface TextReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text: string
  readonly contentType: string
}

export interface StreamReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType: string
  /** Its client may read nothing before he has sent all: what he is told waits with the bodies. */
  readonly isKept?: true
  /** Writes it, and resolves at its end; `write` resolves once there is room for more. */
  readonly stream: (write: (text: string) => Promise<void>) => Promise<void>
}

export type Reply = JsonReply | TextReply | StreamReply

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): JsonReply {
  return { status, headers, json: body }
}

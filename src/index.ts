/**
 * index - the public library, and all of it: what programs may build upon. The one barrel.
 */
export { MsgqError, UnsureError } from './base/errors.ts'
export type { ErrorCode } from './base/errors.ts'
export { MisfitError } from './intake/fit.ts'
export type { Choice } from './library/choice.ts'
export type { Outcome } from './library/end.ts'
export type { Outgoing } from './library/message.ts'
export { open } from './library/open.ts'
export type { OpenOptions } from './library/open.ts'
export type {
  Acted,
  Acting,
  Counted,
  Ended,
  Listed,
  Queue,
  Requeued,
  Requeuing,
  Sent,
  Stopped,
  Suspended,
  Waiting,
  Whole,
} from './library/queue.ts'
export type { Envelope } from './message/envelope.ts'
export type { State } from './message/state.ts'
export type { TrailLine } from './message/trail.ts'

/**
 * outcome - how one attempt ended. Data, never an exception; what is not understood is
 * `deferred`, and the lifetime ends what never gets better.
 */
export const FAULTS = ['receiver', 'network', 'message', 'configuration'] as const

/** Who must act for the message to arrive. */
export type Fault = (typeof FAULTS)[number]

interface Answer {
  /** One printable line. */
  readonly reason: string
  /** The receiver's status code, where it gave one. */
  readonly status?: number
  /** What the receiver said, made printable, at most 2 KiB. */
  readonly answer?: string
}

interface Failure extends Answer {
  readonly fault: Fault
  /** Of several receivers those who have it now: it never goes to them again. */
  readonly taken?: readonly string[]
}

/** The attempt's end as the transport judges it. */
export type Outcome =
  | (Answer & { readonly kind: 'delivered' })
  | (Failure & {
      readonly kind: 'deferred'
      /** Not to be tried before (epoch ms), by the receiver's own word. */
      readonly notBefore?: number
      /** The word counts for the whole lane (429, 503). */
      readonly wholeLane?: boolean
      /** The message was not tried: nothing is charged to it. */
      readonly uncharged?: boolean
      /** Nothing leads there by the configuration: it waits for that no longer than its lifetime. */
      readonly nowhere?: true
      /** No other message would fare better: its lane is suspended until somebody mends it. */
      readonly suspends?: true
      /** It went out and no answer came: the receiver may have it. */
      readonly mayHaveArrived?: boolean
    })
  | (Failure & { readonly kind: 'bounced' })
  | (Failure & { readonly kind: 'held' })

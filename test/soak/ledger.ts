/**
 * ledger - what was said yes to, and everything that went otherwise than it may.
 */
export interface Sent {
  readonly token: string
  /** Absent for a file that was made by hand: its id is made when it is adopted. */
  readonly id?: string
  readonly by: 'send' | 'batch' | 'hand'
}

export class Ledger {
  readonly sent: Sent[] = []
  /** Files thrown in that are no messages. */
  garbage = 0
  kills = 0
  stops = 0
  verbs = 0
  /** Senders that were killed; what they had not printed was not said yes to. */
  sendersKilled = 0
  readonly faults: string[] = []

  fault(what: string): void {
    this.faults.push(what)
  }

  count(by: Sent['by']): number {
    return this.sent.filter((one) => one.by === by).length
  }
}

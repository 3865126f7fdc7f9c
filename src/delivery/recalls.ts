/**
 * recalls - messages under way that an operator wants back.
 *
 * Each attempt has a signal of its own, by which it alone is cut off; our stop cuts them all
 * off. What becomes of a message is known when it is settled and not before: whoever asked is
 * told that, whatever it is. The first who asks decides, and the others hear what came of it.
 */
import type { Settlement } from '../queue/queue.ts'

/** What an operator wants of a message under way. */
export interface Recall {
  readonly act: 'delete' | 'expire' | 'hold'
  readonly by: string
  readonly reason?: string
}

/** How a message under way was settled. */
export interface Recalled {
  /** `lost`: its file was gone, or moved by hand. `left`: we stop, and it was not settled. */
  readonly to: Settlement['to'] | 'left' | 'lost'
  /** It was settled as the first who asked wanted it. */
  readonly granted: boolean
  /** The attempt was cut off behind its request: the receiver may have the message. */
  readonly mayHaveArrived: boolean
}

/** How a message is settled that was wanted back in time. */
export const GRANTED = {
  delete: 'deleted',
  expire: 'bounced',
  hold: 'held',
} as const satisfies Record<Recall['act'], Recalled['to']>

/** True for an act that is asked of a message under way. */
export function isRecall(act: string): act is Recall['act'] {
  return Object.hasOwn(GRANTED, act)
}

interface UnderWay {
  readonly cut: AbortController
  /** What cuts off all of them. */
  readonly stopping: AbortSignal
  recall?: Recall
  granted: boolean
  mayHaveArrived: boolean
  readonly listeners: ((recalled: Recalled) => void)[]
}

/** Signals that nothing aborted are used again: each costs its listeners once. */
const MOST_SPARE = 1_000

export class Recalls {
  readonly #underWay = new Map<string, UnderWay>()
  readonly #spare: AbortController[] = []
  readonly #heard = new WeakSet<AbortSignal>()

  /** An attempt begins: the signal that cuts it off. */
  begin(id: string, stopping: AbortSignal): AbortSignal {
    if (!this.#heard.has(stopping)) {
      this.#heard.add(stopping)
      stopping.addEventListener('abort', () => this.#cutAll(stopping), { once: true })
    }
    const cut = this.#spare.pop() ?? new AbortController()
    const none = { granted: false, mayHaveArrived: false, listeners: [] }
    this.#underWay.set(id, { cut, stopping, ...none })
    if (stopping.aborted) cut.abort()
    return cut.signal
  }

  /** What is wanted of a message under way, if anybody asked. */
  of(id: string): Recall | undefined {
    return this.#underWay.get(id)?.recall
  }

  /** It came in time, and is settled as it was wanted. */
  grant(id: string, mayHaveArrived: boolean): void {
    const underWay = this.#underWay.get(id)
    if (underWay === undefined) return
    underWay.granted = true
    underWay.mayHaveArrived = mayHaveArrived
  }

  /** It is settled, or not in our hands any more. */
  end(id: string, to: Recalled['to']): void {
    const underWay = this.#underWay.get(id)
    if (underWay === undefined) return
    this.#underWay.delete(id)
    const { cut, listeners, granted, mayHaveArrived } = underWay
    if (!cut.signal.aborted && this.#spare.length < MOST_SPARE) this.#spare.push(cut)
    for (const tell of listeners) tell({ to, granted, mayHaveArrived })
  }

  /** Asks for a message back; resolves once it is settled. Undefined: it is not under way. */
  recall(id: string, recall: Recall): Promise<Recalled> | undefined {
    const underWay = this.#underWay.get(id)
    if (underWay === undefined) return undefined
    underWay.recall ??= recall
    const ended = new Promise<Recalled>((resolve) => underWay.listeners.push(resolve))
    underWay.cut.abort()
    return ended
  }

  #cutAll(stopping: AbortSignal): void {
    for (const underWay of this.#underWay.values())
      if (underWay.stopping === stopping) underWay.cut.abort()
  }
}

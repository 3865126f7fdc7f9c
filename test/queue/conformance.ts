/**
 * conformance - the one suite that every engine behind the seam must pass.
 *
 * Each sentence is a promise of src/queue/queue.ts or a rule of src/queue/states.ts. The clock
 * is moved by hand, so that nothing sleeps. A sentence that needs an engine's help (`damage`,
 * `join`) is skipped, visibly, where the engine does not offer it.
 */
import tap from 'tap'

import { ACT_PROMISES } from './conformance/acts.ts'
import { BODY_PROMISES } from './conformance/bodies.ts'
import { CLAIM_PROMISES } from './conformance/claims.ts'
import { DESK_PROMISES } from './conformance/desk.ts'
import { DOORWAY_PROMISES } from './conformance/doorway.ts'
import { DUE_PROMISES } from './conformance/dues.ts'
import { FAN_OUT_PROMISES } from './conformance/fan-out.ts'
import { JOURNAL_PROMISES } from './conformance/journal.ts'
import { KEY_PROMISES } from './conformance/keys.ts'
import { LIFE_PROMISES } from './conformance/life.ts'
import { ORDER_PROMISES } from './conformance/order.ts'
import { OUTBOX_PROMISES } from './conformance/outbox.ts'
import { Rig } from './conformance/rig.ts'
import type { Open } from './conformance/rig.ts'
import { ROUND_PROMISES } from './conformance/rounds.ts'
import { SETTLE_PROMISES } from './conformance/settle.ts'
import { SUSPENSION_PROMISES } from './conformance/suspensions.ts'

export type { Open, Opened, OpenOptions } from './conformance/rig.ts'

const PROMISES = {
  'the door': OUTBOX_PROMISES,
  bodies: BODY_PROMISES,
  claims: CLAIM_PROMISES,
  chains: ORDER_PROMISES,
  settlements: SETTLE_PROMISES,
  'fan-out': FAN_OUT_PROMISES,
  'the desk': DESK_PROMISES,
  acts: ACT_PROMISES,
  'acts and time': DUE_PROMISES,
  'idempotency keys': KEY_PROMISES,
  'the door inside': DOORWAY_PROMISES,
  'suspended lanes': SUSPENSION_PROMISES,
  'the journal': JOURNAL_PROMISES,
  rounds: ROUND_PROMISES,
  'life and death': LIFE_PROMISES,
}

/** Holds an engine to every promise; `open` makes it on an empty store each time. */
export function conformance(name: string, open: Open): void {
  for (const [face, promises] of Object.entries(PROMISES))
    void tap.test(`${name}: ${face}`, async (group) => {
      for (const [sentence, check] of Object.entries(promises))
        await group.test(sentence, async (t) => check(t, await Rig.open(t, open)))
    })
}

/**
 * requeue - begins anew with messages: tries 0, the trail is kept, the lifetime starts again.
 *
 * Without --state it means those that bounced: what somebody held is not released by it.
 */
import { defineAct } from './act.ts'

export const define = defineAct({ act: 'requeue' })

/**
 * hold - stops messages that wait, until they are released. One on the wire is not stopped.
 */
import { defineAct } from './act.ts'

export const define = defineAct({ act: 'hold' })

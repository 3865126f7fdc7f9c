/**
 * release - lets held messages go, at their own time; their lifetime begins anew.
 */
import { defineAct } from './act.ts'

export const define = defineAct({ act: 'release' })

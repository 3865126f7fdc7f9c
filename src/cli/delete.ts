/**
 * delete - removes messages for good. ALL leaves out corrupt, which --state corrupt names.
 */
import { defineAct } from './act.ts'

export const define = defineAct({ act: 'delete', asks: true })

/**
 * expire - gives messages up before their time: they go to bounce, with their story.
 */
import { defineAct } from './act.ts'

export const define = defineAct({ act: 'expire', asks: true })

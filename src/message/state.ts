/**
 * state - where a message can be. A message is in exactly one of these; spool/README.md
 * holds the table of what moves it from one to another.
 */
export const STATES = [
  'incoming',
  'active',
  'deferred',
  'hold',
  'bounce',
  'corrupt',
] as const

export type State = (typeof STATES)[number]

/** True for the name of a state. */
export function isState(text: string): text is State {
  return (STATES as readonly string[]).includes(text)
}

/**
 * clock - the only place that asks what time it is.
 *
 * `now` is the wall clock, for times that people and names see. `monotonic` never jumps,
 * for ages and deadlines inside one life of the program. Both in milliseconds.
 */
export interface Clock {
  now(): number
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

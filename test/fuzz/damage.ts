/**
 * damage - what happens to bytes and texts that were good: flipped, cut, doubled, misplaced.
 */
import fc from 'fast-check'

type Cut = (bytes: Buffer, at: number, length: number) => Buffer

const CUTS: readonly Cut[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, length) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
  (bytes, at, length) =>
    Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]),
  (bytes, at, length) =>
    Buffer.concat([
      bytes.subarray(0, at),
      Buffer.alloc(Math.min(length, bytes.length - at)),
      bytes.subarray(at + length),
    ]),
  (bytes, at) => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]),
]

/** One thing that happens to bytes of any length. */
export type Blow = (bytes: Buffer) => Buffer

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })

const flip = fc
  .tuple(place, fc.integer({ min: 1, max: 255 }))
  .map(([share, mask]): Blow => (bytes) => {
    if (bytes.length === 0) return bytes
    const damaged = Buffer.from(bytes)
    damaged[Math.floor(share * bytes.length)]! ^= mask
    return damaged
  })
const cut = fc
  .tuple(place, fc.integer({ min: 1, max: 40 }), fc.constantFrom(...CUTS))
  .map(([share, length, act]): Blow => {
    return (bytes) => act(bytes, Math.floor(share * (bytes.length + 1)), length)
  })
const insert = fc
  .tuple(
    place,
    fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.constantFrom('\n', '"', '}', '\\', '\0', '0', ',').map((it) => Buffer.from(it)),
    ),
  )
  .map(([share, more]): Blow => {
    return (bytes) => {
      const at = Math.floor(share * (bytes.length + 1))
      return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
    }
  })

/** One to four blows, one after the other. */
export const damage: fc.Arbitrary<Blow> = fc
  .array(fc.oneof(flip, cut, insert), { minLength: 1, maxLength: 4 })
  .map(
    (blows): Blow =>
      (bytes) =>
        blows.reduce((now, blow) => blow(now), bytes),
  )

/** The same for texts in which every character has one byte. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, damage)
    .map(([good, blow]) => blow(Buffer.from(good, 'latin1')).toString('latin1'))
}

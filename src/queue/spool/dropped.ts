/**
 * dropped - names of chains, in a megabyte however many they are: false ones among them are
 * few, and none that was added is ever missing.
 */

/** Chains of which nothing is kept: one of 32 bits says that it may be one of them. */
export class Dropped {
  static readonly SIZE = 2 ** 23
  readonly #bits = new Uint8Array(Dropped.SIZE / 8)

  add(key: string): void {
    const at = placeOf(key)
    this.#bits[at >> 3]! |= 1 << (at & 7)
  }

  has(key: string): boolean {
    const at = placeOf(key)
    return (this.#bits[at >> 3]! & (1 << (at & 7))) !== 0
  }

  addAll(): void {
    this.#bits.fill(255)
  }
}

function placeOf(key: string): number {
  return (Number.parseInt(key, 16) >>> 0) % Dropped.SIZE
}

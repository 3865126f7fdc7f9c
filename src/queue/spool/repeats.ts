/**
 * repeats - finds ids that stand under more than one name, among any number, in four bytes each.
 *
 * First pass: the hash of every id. Second pass: the names of those alone whose hash came twice,
 * which are few; among them equal ids are found by comparing.
 */
export class Sieve {
  #hashes = new Uint32Array(1024)
  #count = 0
  #suspects: Set<number> | undefined

  /** First pass. */
  add(id: string): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Uint32Array(this.#count * 2)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#count++] = hashOf(id)
    this.#suspects = undefined
  }

  /** Second pass: true for each id that was added twice, and by chance for a few others. */
  mayRepeat(id: string): boolean {
    this.#suspects ??= this.#repeated()
    return this.#suspects.has(hashOf(id))
  }

  /** False when no id was added twice: the second pass is not needed. */
  get anySuspect(): boolean {
    this.#suspects ??= this.#repeated()
    return this.#suspects.size > 0
  }

  #repeated(): Set<number> {
    const sorted = this.#hashes.subarray(0, this.#count).toSorted()
    const repeated = new Set<number>()
    for (let at = 1; at < sorted.length; at++)
      if (sorted[at] === sorted[at - 1]) repeated.add(sorted[at]!)
    return repeated
  }
}

/** FNV-1a. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++)
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

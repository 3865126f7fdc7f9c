/**
 * memo - remembers what a pure function of a text said, for the texts that come again and again.
 */

/** So many are kept; then all are forgotten, and those that count come back soon. */
const MOST = 1_000

/** The same function, which asks the slow one once for each text it remembers. */
export function memo<T>(slow: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const remembered = known.get(text)
    if (remembered !== undefined) return remembered
    if (known.size >= MOST) known.clear()
    const fresh = slow(text)
    known.set(text, fresh)
    return fresh
  }
}

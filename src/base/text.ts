/**
 * text - makes what strangers sent safe to print, and finds what a person meant to type.
 */

// Control characters, what reorders or hides text on a terminal, line ends, half characters.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu

/** One printable line of at most `limit` characters; what is cut ends in "...". */
export function printable(text: string, limit = 300): string {
  const line = text.replace(UNPRINTABLE, ' ').trim()
  if (line.length <= limit) return line
  const cut = line.slice(0, limit - 3)
  // The cut must not leave the first half of a surrogate pair.
  return `${cut.replace(/[\ud800-\udbff]$/, '')}...`
}

/** True when a text holds a control character, C0 or C1. Tab counts as one. */
export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

/** The candidate nearest to a mistyped word, if near enough to be what was meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < least) [best, least] = [candidate, edits]
  }
  return best
}

/** Edits between two words, where two neighbours swapped count as one. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return last[b.length]!
}

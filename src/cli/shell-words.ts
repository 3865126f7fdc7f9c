/**
 * shell-words - words as one would type them into a POSIX shell. Pure.
 */

/** One word, always quoted. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** A command line; quoted is only what has to be. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+:,./=-]+$/.test(word) ? word : quote(word))).join(' ')
}

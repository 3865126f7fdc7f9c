/**
 * glob - names in which `*` stands for any text, also for none. Compares in the time that the
 * name takes, whatever stands in the pattern.
 */

/** True when a name is one that a pattern means. */
export function globFits(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return name === pattern
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}

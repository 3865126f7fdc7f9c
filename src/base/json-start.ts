/**
 * json-start - reads JSON whose end may be missing: of what receivers say we keep the beginning.
 *
 * What is whole in it counts: a member or element that is cut is left out, and what is open is
 * closed. Undefined for what is no JSON at all.
 */

/** The value that a text begins; undefined when it begins none. */
export function parseJsonStart(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const whole = closed(text)
    if (whole === undefined) return undefined
    try {
      return JSON.parse(whole)
    } catch {
      return undefined
    }
  }
}

/** The text up to the last place at which a value is whole, with what is open closed. */
function closed(text: string): string | undefined {
  const open: string[] = []
  let whole = -1
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (quoted) {
      if (sign === '\\') at++
      else if (sign === '"') quoted = false
    } else if (sign === '"') quoted = true
    else if (sign === '{' || sign === '[') {
      open.push(sign === '{' ? '}' : ']')
      whole = at + 1
    } else if (sign === '}' || sign === ']') {
      // Whole already, with something behind it: that is no JSON.
      if (open.pop() !== sign || open.length === 0) return undefined
      whole = at + 1
    } else if (sign === ',') whole = at
  }
  return open.length === 0 ? undefined : text.slice(0, whole) + open.toReversed().join('')
}

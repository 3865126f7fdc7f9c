/**
 * json-member - the text of one member of a JSON object, character by character.
 *
 * JSON.parse rounds numbers over 2^53 and writes 1.0 as 1: what goes on to a receiver is the
 * text that the sender wrote. Expects what JSON.parse has accepted as an object.
 */

/** The text of a member's value; of the last one, as for JSON.parse, where it stands twice. */
export function memberText(json: string, name: string): string | undefined {
  let found: string | undefined
  let at = afterSpace(json, afterSpace(json, 0) + 1)
  while (json[at] !== '}') {
    const keyEnd = endOfText(json, at)
    const key: unknown = JSON.parse(json.slice(at, keyEnd))
    const start = afterSpace(json, afterSpace(json, keyEnd) + 1)
    const end = endOfValue(json, start)
    if (key === name) found = json.slice(start, end)
    at = afterSpace(json, end)
    if (json[at] === ',') at = afterSpace(json, at + 1)
  }
  return found
}

function afterSpace(json: string, at: number): number {
  let next = at
  while (/[ \t\r\n]/.test(json[next] ?? '')) next++
  return next
}

/** Behind the closing quote. */
function endOfText(json: string, at: number): number {
  let next = at + 1
  while (json[next] !== '"') next += json[next] === '\\' ? 2 : 1
  return next + 1
}

function endOfValue(json: string, at: number): number {
  if (json[at] === '"') return endOfText(json, at)
  let depth = 0
  let next = at
  while (next < json.length) {
    const char = json[next] as string
    if (char === '"') {
      next = endOfText(json, next)
      continue
    }
    if (depth === 0 && /[,}\] \t\r\n]/.test(char)) return next
    if (char === '{' || char === '[') depth++
    next++
    if ((char === '}' || char === ']') && --depth === 0) return next
  }
  return next
}

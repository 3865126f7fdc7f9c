/**
 * json-path - names places in a JSON value: `error.code`, `errors[0].code`, `errors.*.code`.
 *
 * A path is steps with dots between them. A step is the name of a member, the number of an
 * element, or `*` for every member or element; in brackets it needs no dot. A name with other
 * signs than letters, digits, `_`, `-`, `$`, `@`, `:` and `/` is quoted as in JSON. Never throws for
 * a value, however it is made; only own members count.
 */

/** The steps of a path; null stands for `*`. */
export type JsonPath = readonly (string | null)[]

/** A longer path is none. */
const LONGEST = 500
const BARE = /[\p{L}\p{N}_$@:/-]+/uy
const QUOTED = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy

/** The path that a text names; undefined for what is none. */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (text.length > LONGEST) return undefined
  const steps: (string | null)[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const taken = pattern.exec(text)?.[0]
    at += taken?.length ?? 0
    return taken
  }
  while (at < text.length || steps.length === 0) {
    const bracket = text[at] === '['
    if (bracket) at++
    else if (steps.length > 0) {
      if (text[at] !== '.') return undefined
      at++
    }
    if (text[at] === '*') {
      at++
      steps.push(null)
    } else {
      const quoted = take(QUOTED)
      const step =
        quoted === undefined ? take(BARE) : (JSON.parse(quoted) as string | undefined)
      if (step === undefined) return undefined
      steps.push(step)
    }
    if (bracket && text[at++] !== ']') return undefined
  }
  return steps
}

/** A path as one would write it. */
export function formatJsonPath(path: JsonPath): string {
  return path
    .map((step) => {
      if (step === null) return '*'
      BARE.lastIndex = 0
      return BARE.exec(step)?.[0] === step ? step : quote(step)
    })
    .join('.')
}

/** JSON leaves the controls from U+007F on as they are, and nobody could read them. */
function quote(step: string): string {
  return JSON.stringify(step).replace(
    /\p{Cc}/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Every value that a path leads to. */
export function valuesAt(value: unknown, path: JsonPath): unknown[] {
  let found: unknown[] = [value]
  for (const step of path) found = found.flatMap((each) => below(each, step))
  return found
}

function below(value: unknown, step: string | null): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (step === null) return Object.values(value)
  if (Array.isArray(value) && !/^\d+$/.test(step)) return []
  return Object.hasOwn(value, step) ? [(value as Record<string, unknown>)[step]] : []
}

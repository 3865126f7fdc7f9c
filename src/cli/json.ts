/**
 * json - a line of JSON Lines that no terminal takes for anything else.
 *
 * JSON itself escapes only the controls below U+0020; those above and what reorders or hides
 * text are escaped here.
 */
const HIDDEN =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** One value as one line, with its newline. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value).replace(
    HIDDEN,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${text}\n`
}

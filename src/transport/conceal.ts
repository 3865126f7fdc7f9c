/**
 * conceal - takes secrets out of what a receiver said, who may repeat all that it was told.
 *
 * Knows a secret as it was sent, as JSON, HTML and URLs write it, and the beginning of one where a
 * text was cut. A receiver that disguises a secret on purpose is not found out. What is too
 * short to be a secret stays: to take it out would only garble the text.
 */

/** The shortest secret that is looked for, and the shortest part of a secret or of a URL. */
const SHORTEST = 4
const SHORTEST_PART = 8
const STARS = '***'

/** A function that puts stars where a text says one of these. */
export function concealer(secrets: readonly string[]): (text: string) => string {
  let forms: readonly string[] | undefined
  return (text) => {
    if (text.length < SHORTEST) return text
    // Most answers say nothing, and need none of this.
    forms ??= allForms(secrets)
    return starTail(
      forms.reduce((rest, form) => rest.replaceAll(form, STARS), text),
      forms,
    )
  }
}

/** The longest first: of one that holds another nothing may stay. */
function allForms(secrets: readonly string[]): string[] {
  return [...new Set(secrets.flatMap(formsOf))]
    .filter((form) => form.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length)
}

/** As it is, and as it looks in JSON, in a page, in a URL and out of one. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const page = html.replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  const unicode = json.replace(
    /[&<>]/g,
    (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`,
  )
  return [
    secret,
    json,
    json.replaceAll('/', '\\/'),
    unicode,
    page,
    page.replaceAll("'", '&#39;'),
    orAsIs(encodeURIComponent, secret),
    orAsIs(decodeURIComponent, secret),
  ]
}

function orAsIs(code: (text: string) => string, text: string): string {
  try {
    return code(text)
  } catch {
    return text
  }
}

/** Stars for a secret that the end of the text cuts. */
function starTail(text: string, forms: readonly string[]): string {
  // The cut may have gone through a character.
  const whole = text.replace(/\ufffd$/, '')
  for (const form of forms)
    for (
      let length = Math.min(form.length - 1, whole.length);
      length >= SHORTEST_PART;
      length--
    )
      if (whole.endsWith(form.slice(0, length))) return whole.slice(0, -length) + STARS
  return text
}

/** The parts of a URL that may be a password by themselves. */
export function urlSecrets(url: URL): string[] {
  const { pathname, search, searchParams } = url
  const parts = [...pathname.split('/').slice(2), ...searchParams.values()]
  const tail = pathname.replace(/^\/[^/]*/, '') + search
  return [tail, tail.slice(1), ...parts].filter((part) => part.length >= SHORTEST_PART)
}

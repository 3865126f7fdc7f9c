/**
 * render - what goes out in place of a stored body: the template of the route that led it here.
 *
 * Made at each attempt and never stored, by the routes in force, so that mending the
 * configuration heals what waits. What cannot be made is no fault of the receiver's: it is held
 * until somebody mends it, and a message that no route leads here any more waits for one.
 */
import { printable } from '../base/text.ts'
import type { Destination } from '../config/config.ts'
import type { Route } from '../config/route.ts'
import { outputType } from '../config/routes.ts'
import { bytesOf } from '../message/body.ts'
import type { Body } from '../message/body.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Outcome } from '../message/outcome.ts'
import { escapingOf, fill, viewOf } from '../message/template.ts'
import { courseOf, routesFor } from './routes.ts'
import { serviceOf } from './telling.ts'

/** A body that is sent in place of the stored one, and what it is. */
export interface Rendered {
  readonly kind: 'rendered'
  readonly body: Body
  readonly contentType: string
}

/** The body of what was made of an event; undefined: as it is stored. */
export async function render(
  envelope: Envelope,
  body: Body,
  destination: Destination,
  routes: readonly Route[],
): Promise<Rendered | Outcome | undefined> {
  const { event = '' } = envelope
  const { name } = destination
  const leading = routesFor(routes, event).filter(({ to }) => to.includes(name))
  if (leading.every(({ template }) => template === undefined))
    return leading.length === 0 ? astray(event, name) : asText(envelope, body, destination)
  const text = Buffer.from(await bytesOf(body)).toString()
  const route = courseOf(leading, event, () => text).by.get(name)
  if (route === undefined) return astray(event, name)
  const { template } = route
  if (template === undefined) return asText(envelope, body, destination)
  const contentType = outputType(destination)
  const made = rendering(template, text, envelope, destination)
  return 'why' in made
    ? held(`${route.name} (${route.where}): ${made.why}`)
    : {
        kind: 'rendered',
        body: { kind: 'bytes', bytes: Buffer.from(made.text) },
        contentType,
      }
}

/**
 * JSON of an event for a service: it says what happened, and is no body of that service's own, which
 * would refuse it. Undefined where it goes as it is.
 */
function asText(
  { contentType = '' }: Envelope,
  body: Body,
  destination: Destination,
): Rendered | undefined {
  if (serviceOf(destination) === undefined || escapingOf(contentType) !== 'json')
    return undefined
  const type = outputType(destination)
  return escapingOf(type) === 'json'
    ? undefined
    : { kind: 'rendered', body, contentType: type }
}

/** What a template makes of a body, or why it makes nothing that can be sent. */
export function rendering(
  template: string,
  text: string,
  { id, event = '', createdAt }: Pick<Envelope, 'id' | 'event' | 'createdAt'>,
  destination: Destination,
): { readonly text: string } | { readonly why: string } {
  let view: object
  try {
    view = viewOf(text, { id, event, createdAt, destination: destination.name })
  } catch (error) {
    return { why: `its template needs JSON, and the body is none: ${words(error)}` }
  }
  const escaping = escapingOf(outputType(destination))
  try {
    const made = fill(template, view, escaping)
    if (escaping === 'json') JSON.parse(made)
    return { text: made }
  } catch (error) {
    return { why: `its template makes no JSON: ${words(error)}` }
  }
}

function words(error: unknown): string {
  return printable((error as Error).message, 200)
}

function held(reason: string): Outcome {
  return { kind: 'held', fault: 'configuration', reason: printable(reason, 500) }
}

function astray(event: string, name: string): Outcome {
  const reason = printable(`no route leads event "${event}" to ${name} any more`)
  const wait = { uncharged: true, nowhere: true } as const
  return { kind: 'deferred', fault: 'configuration', reason, ...wait }
}

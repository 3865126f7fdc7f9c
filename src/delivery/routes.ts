/**
 * routes - which routes take an event, and where it goes by them. Pure.
 *
 * A filter that cannot be asked, because the body is no JSON, does not let an event pass.
 */
import type { Route } from '../config/route.ts'
import { answer } from '../message/filter.ts'
import { globFits } from '../message/glob.ts'

/** A route that is for an event, and whether it takes this one. */
export interface Judgement {
  readonly route: Route
  readonly takes: boolean
  /** The facts that its filter decided by. */
  readonly why: string
}

/** Where an event goes, and by which routes. */
export interface Course {
  /** Of each destination the first route that leads there. */
  readonly by: ReadonlyMap<string, Route>
  /** Of all routes that are for it. */
  readonly judgements: readonly Judgement[]
}

/** The routes that are for an event, whatever its body. */
export function routesFor(routes: readonly Route[], event: string): readonly Route[] {
  return routes.filter(({ events }) => events.some((glob) => globFits(glob, event)))
}

/** Judges an event; `text` is asked for its body only where a filter wants to know. */
export function courseOf(
  routes: readonly Route[],
  event: string,
  text: () => string,
): Course {
  const by = new Map<string, Route>()
  const read = jsonOnce(text)
  const judgements = routesFor(routes, event).map((route): Judgement => {
    const judgement = judge(route, read)
    if (judgement.takes) for (const name of route.to) if (!by.has(name)) by.set(name, route)
    return judgement
  })
  return { by, judgements }
}

/** Why an event is no message for anybody; undefined where a route takes it. */
export function unrouted(event: string, { judgements }: Course): string | undefined {
  if (judgements.some(({ takes }) => takes)) return undefined
  const filtered = judgements.map(({ route, why }) => `${route.name}: ${why}`)
  return filtered.length === 0
    ? `no route for event "${event}"`
    : `no route takes event "${event}": ${filtered.join('; ')}`
}

type Json =
  | { readonly isJson: true; readonly value: unknown }
  | { readonly isJson: false; readonly why: string }

/** Whether a route takes a body. */
function judge(route: Route, read: () => Json): Judgement {
  if (route.filter === undefined) return { route, takes: true, why: 'has no filter' }
  const json = read()
  if (!json.isJson) return { route, takes: false, why: `the body ${json.why}` }
  const { holds, why } = answer(route.filter, json.value)
  return { route, takes: holds, why }
}

function jsonOnce(text: () => string): () => Json {
  let json: Json | undefined
  return () => {
    try {
      json ??= { isJson: true, value: JSON.parse(text()) as unknown }
    } catch (error) {
      json = { isJson: false, why: `is no JSON: ${(error as Error).message}` }
    }
    return json
  }
}

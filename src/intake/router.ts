/**
 * router - which route answers a request: a table of methods and paths, and nothing more.
 *
 * A path is written `/v1/messages/{id}:hold`; a parameter is anything but `/` and `:`. Ours and
 * no library's: it is thirty lines, what there is for it (find-my-way, Fastify's) parses and
 * caches for hundreds of routes, and we have twenty.
 */
import type { Asked } from './asked.ts'
import type { Scope } from './caller.ts'
import type { Reply } from './reply.ts'
import { Refusal } from './refusal.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** One of these is enough; without any, nobody is asked who he is. */
  readonly scopes: readonly Scope[]
  readonly answer: (asked: Asked) => Promise<Reply> | Reply
}

export interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

export class Router {
  readonly #routes: readonly { readonly route: Route; readonly pattern: RegExp }[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, pattern: patternOf(route.path) }))
  }

  /** The route of a request; throws a 404, or a 405 with the methods that there are. */
  find(method: string, path: string): Found {
    const there = this.#routes.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path)
      return match === null ? [] : [{ route, params: { ...match.groups } }]
    })
    if (there.length === 0)
      throw new Refusal(404, 'not-found', `no such route: ${method} ${path}`)
    const wanted = method === 'HEAD' ? 'GET' : method
    const found = there.find(({ route }) => route.method === wanted)
    if (found !== undefined) return found
    const allow = allowed(there.map(({ route }) => route.method))
    throw new Refusal(405, 'method', `${method} ${path}: there is ${allow}`, {
      headers: { allow },
    })
  }
}

function allowed(methods: readonly string[]): string {
  return methods.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each])).join(', ')
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.*+?^$|()[\]\\]/g, '\\$&')
    .replace(/\{(\w+)\}/g, '(?<$1>[^/:]+)')
  return new RegExp(`^${source}$`)
}

/**
 * health-routes - whether the daemon lives (/healthz) and whether it can take messages (/readyz).
 *
 * For load balancers and supervisors: they need no token, and say nothing of any message.
 */
import { json } from './reply.ts'
import type { Route } from './router.ts'

export interface Health {
  /** False when it is stuck. */
  alive(): boolean
  /** Why no message can be made durable now; undefined where it can. */
  refusal(): string | undefined
}

export function healthRoutes(health: Health): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      scopes: [],
      answer: () => {
        const alive = health.alive()
        return json(alive ? 200 : 503, { alive })
      },
    },
    {
      method: 'GET',
      path: '/readyz',
      scopes: [],
      answer: () => {
        const why = health.refusal()
        return why === undefined
          ? json(200, { ready: true })
          : json(503, { ready: false, why }, { 'retry-after': '10' })
      },
    },
  ]
}

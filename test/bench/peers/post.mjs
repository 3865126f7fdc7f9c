/**
 * post - the delivery step of the peers that are written in Node: the HTTP client that msgq uses,
 * one pool for all, so that what differs is the queue.
 */
import { Pool } from 'undici'

let pool

/** Posts a body; throws unless it is accepted. */
export async function post({ url, body }, connections) {
  pool ??= new Pool(new URL(url).origin, { connections })
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await pool.request({ path: '/', method: 'POST', headers, body })
  await answer.body.dump()
  if (answer.statusCode >= 300) throw new Error(`HTTP ${answer.statusCode}`)
}

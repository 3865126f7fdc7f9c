/**
 * posts - a program that sends messages to a door, and tells how many a second were durable.
 *
 * `posts.ts SOCKET|PORT WIDTH COUNT`: COUNT messages of 1 KiB, WIDTH connections with one request
 * each at a time, after a tenth as many that warm both ends up. Any answer but 202 ends it.
 */
import { Pool } from 'undici'

import { BODY, inFlight, rate } from './ground.ts'

const [at = '', width = '', count = ''] = process.argv.slice(2)
const isPort = /^\d+$/.test(at)
const pool = new Pool(isPort ? `http://127.0.0.1:${at}` : 'http://localhost', {
  connections: Number(width),
  ...(isPort ? {} : { socketPath: at }),
})
const headers = { 'content-type': 'text/plain' }

async function post(): Promise<void> {
  const answer = await pool.request({
    method: 'POST',
    path: '/v1/messages?to=ops',
    headers,
    body: BODY,
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 202) throw new Error(`${answer.statusCode}: ${text}`)
}

await inFlight(Math.ceil(Number(count) / 10), Number(width), post)
const perSecond = await rate(Number(count), () =>
  inFlight(Number(count), Number(width), post),
)
console.log(JSON.stringify({ perSecond }))
await pool.close()

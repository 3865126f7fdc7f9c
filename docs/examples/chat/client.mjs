// client.mjs COUNT: says so many things. Each has an id of its own and is written down before it
// is sent, and is sent again, with the same key, until it is known to be on disk.
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const {
  MSGQ = 'http://127.0.0.1:8025',
  OUTBOX = 'outbox.jsonl',
  FROM = 'ann',
} = process.env
let repeats = 0

async function send({ id, from, text }) {
  for (let pause = 50; ; pause = Math.min(2 * pause, 2_000)) {
    try {
      const answer = await fetch(`${MSGQ}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `"${id}"` },
        body: JSON.stringify({ to: 'chat', body: { from, text } }),
        signal: AbortSignal.timeout(5_000),
      })
      const { repeat, detail } = await answer.json()
      if (repeat) repeats++
      if (answer.ok) return
      // Mending is for people; all else is worth another try.
      if (answer.status < 500 && ![409, 429].includes(answer.status))
        throw new Error(detail)
    } catch (error) {
      if (!['TypeError', 'TimeoutError', 'SyntaxError'].includes(error.name)) throw error
    }
    await sleep(pause)
  }
}

for (let n = 1; n <= Number(process.argv[2]); n++) {
  const message = { id: randomUUID(), from: FROM, text: `message ${n}` }
  appendFileSync(OUTBOX, `${JSON.stringify(message)}\n`, { flush: true })
  await send(message)
}
console.log(JSON.stringify({ repeats }))

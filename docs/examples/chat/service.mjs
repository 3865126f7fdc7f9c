// service.mjs: the chat. Checks what comes, writes it down once, and publishes it as an event.
//
// Killed between two steps, it is sent the message again, finds the id in its record, and publishes
// once more under the same key, which msgq drops where it has it.
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:http'

import { ReceiveError, receive } from 'msgq/receiver'

const { MSGQ = 'http://127.0.0.1:8025', RECORD = 'record.jsonl', PORT = 8101 } = process.env
const secrets = readFileSync(process.env.SECRET_FILE ?? 'chat-secret', 'utf8').trim()

const record = openSync(RECORD, 'a+')
const lines = readFileSync(RECORD, 'utf8').split('\n')
// Whoever was killed while he wrote left half a line, and has answered nothing.
const half = Buffer.byteLength(lines.pop())
if (half > 0) ftruncateSync(record, readFileSync(RECORD).length - half)
const numbers = new Map(lines.map((line, at) => [JSON.parse(line).id, at + 1]))
let repeats = 0

/** The number of a message in the record; it is there for good when this returns. */
function keep(id, said) {
  const known = numbers.get(id)
  if (known !== undefined) {
    repeats++
    return known
  }
  writeSync(record, `${JSON.stringify({ id, ...said })}\n`)
  fsyncSync(record)
  numbers.set(id, numbers.size + 1)
  return numbers.size
}

async function publish(id, body) {
  const answer = await fetch(`${MSGQ}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `"said-${id}"` },
    body: JSON.stringify({ event: 'chat.said', body }),
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) throw new Error(`msgq answers ${answer.status}: ${await answer.text()}`)
}

createServer(async (request, response) => {
  try {
    const { id, body } = await receive(request, { secrets })
    const { from, text } = JSON.parse(body)
    if (typeof from !== 'string' || typeof text !== 'string' || text === '')
      return response.writeHead(400).end('from and text are texts')
    await publish(id, { n: keep(id, { from, text }), from, text })
    response.writeHead(200).end()
  } catch (error) {
    const status = error instanceof SyntaxError ? 400 : 503
    response
      .writeHead(error instanceof ReceiveError ? error.status : status)
      .end(error.message)
  }
}).listen(PORT, '127.0.0.1', () => console.log('ready'))

process.on('SIGTERM', () => {
  closeSync(record)
  console.log(JSON.stringify({ repeats }))
  process.exit()
})

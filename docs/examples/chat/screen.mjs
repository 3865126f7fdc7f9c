// screen.mjs: what the other one sees. Drops repeats, and shows no message before the one ahead of it.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

import { ReceiveError, receive } from 'msgq/receiver'

const { PORT = 8102 } = process.env
const secrets = readFileSync(process.env.SECRET_FILE ?? 'chat-secret', 'utf8').trim()
const early = new Map()
let next = 1

createServer(async (request, response) => {
  try {
    const { n, from, text } = JSON.parse((await receive(request, { secrets })).body)
    if (n >= next) early.set(n, `${from}: ${text}`)
    for (; early.has(next); next++) {
      console.log(early.get(next))
      early.delete(next)
    }
    response.writeHead(200).end()
  } catch (error) {
    response.writeHead(error instanceof ReceiveError ? error.status : 400).end()
  }
}).listen(PORT, '127.0.0.1')

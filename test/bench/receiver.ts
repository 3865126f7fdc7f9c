/**
 * receiver - a process that answers 200 to all and tells when the first and the last came.
 *
 * As cheap as Node allows, so that what is measured is the sender: it finds the end of a
 * request by its Content-Length and parses nothing else.
 */
import { createServer } from 'node:net'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
let count = 0
let first = 0n
let last = 0n

const server = createServer((socket) => {
  let kept = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    for (;;) {
      const end = kept.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = kept.toString('latin1', 0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (kept.length < end + 4 + length) return
      kept = kept.subarray(end + 4 + length)
      last = process.hrtime.bigint()
      if (count++ === 0) first = last
      socket.write(ANSWER)
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
})

process.on('message', (ask) => {
  if (ask === 'reset') count = 0
  process.send?.({ count, ms: Number(last - first) / 1e6 })
})

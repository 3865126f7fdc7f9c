/**
 * receiver - a program that answers 200 to all and tells when the first and the last came.
 *
 * `receiver.ts [MS|never]`: answers so much later, or not at all. As cheap as Node allows, so that
 * what is measured is the sender: it finds the end of a request by its Content-Length and parses
 * nothing else. Its port on stdout, then for each line on stdin a line of JSON. Ends with its
 * stdin, so that it never outlives who started it.
 */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const delay = process.argv[2] === 'never' ? Infinity : Number(process.argv[2] ?? 0)
let count = 0
let first = 0
let last = 0

function answer(socket: Socket): void {
  if (delay === 0) socket.write(ANSWER)
  else if (delay !== Infinity) setTimeout(() => socket.write(ANSWER), delay)
}

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
      last = Number(process.hrtime.bigint()) / 1e6
      if (count++ === 0) first = last
      answer(socket)
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 }))
})

process.stdin.setEncoding('utf8')
process.stdin.on('data', (line: string) => {
  if (line.includes('reset')) count = 0
  console.log(JSON.stringify({ count, first, last }))
})
process.stdin.on('end', () => process.exit())

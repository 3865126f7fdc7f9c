// receiver - who messages go to on the machine: a line of JSON for each request, on stdout.
// /later says 503, /no 400, /slow answers after 3 s, everything else is accepted.
import { createServer } from 'node:http'

createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    const { url, headers } = request
    const status = url === '/later' ? 503 : url === '/no' ? 400 : 200
    const { authorization, 'webhook-id': id } = headers
    const answer = () => {
      console.log(JSON.stringify({ id, url, status, authorization, body }))
      response.writeHead(status).end('said the receiver\n')
    }
    setTimeout(answer, url === '/slow' ? 3_000 : 0)
  })
}).listen(8025, '127.0.0.1')

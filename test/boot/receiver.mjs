// receiver - who messages go to on the machine: a line of JSON for each, on stdout.
// HTTP: /later says 503, /no 400, /slow answers after 3 s, everything else is accepted. Mail, at
// port 2525: accepted.
import { createServer } from 'node:http'
import { createServer as createMailServer } from 'node:net'
import { createInterface } from 'node:readline'

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

createMailServer((socket) => {
  const say = (line) => socket.write(`${line}\r\n`)
  let mail
  say('220 vm')
  socket.on('error', () => {})
  createInterface({ input: socket }).on('line', (line) => {
    if (mail === undefined) {
      if (/^DATA$/i.test(line)) mail = []
      say(mail ? '354 go on' : /^QUIT$/i.test(line) ? '221 bye' : '250 yes')
      if (/^QUIT$/i.test(line)) socket.end()
    } else if (line === '.') {
      const body = mail.slice(mail.indexOf('') + 1).join('\n')
      const [, id] = /^Message-ID: <(\w{26})/im.exec(mail.join('\n')) ?? []
      mail = undefined
      console.log(JSON.stringify({ id, url: 'mail', status: 200, body }))
      say('250 said the receiver')
    } else mail.push(line)
  })
}).listen(2525, '127.0.0.1')

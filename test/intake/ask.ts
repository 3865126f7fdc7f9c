/**
 * ask - one request of HTTP, over a Unix socket or TCP, each on a connection of its own.
 */
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text as JSON, where it is some. */
  readonly json: any
}

export interface Wanted {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

/** Where to ask: a socket's path, or a port. */
export type Where = string | number

export function ask(where: Where, path: string, wanted: Wanted = {}): Promise<Answered> {
  const { body, headers = {}, method = body === undefined ? 'GET' : 'POST' } = wanted
  const at = typeof where === 'string' ? { socketPath: where } : { port: where }
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const all = { ...length, ...headers }
    const asked = request({
      ...at,
      host: '127.0.0.1',
      method,
      path,
      headers: all,
      agent: false,
    })
    asked.on('error', reject)
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = /^application\/(problem\+)?json$/.test(
          response.headers['content-type'] ?? '',
        )
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: isJson && text !== '' ? JSON.parse(text) : undefined,
        })
      })
    })
    asked.end(body)
  })
}

/** A message as JSON. */
export function post(
  where: Where,
  message: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  return ask(where, '/v1/messages', {
    body: typeof message === 'string' ? message : JSON.stringify(message),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

/**
 * openapi - holds answers against etc/openapi.json, and remembers which of it was seen.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Test } from 'tap'

import { ask } from './ask.ts'
import type { Answered, Wanted, Where } from './ask.ts'

interface Document {
  readonly paths: Record<string, Record<string, { responses?: Record<string, unknown> }>>
}

const DOCUMENT = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../etc/openapi.json'), 'utf8'),
) as Document

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(DOCUMENT as object, 'api')

export class OpenApi {
  readonly #t: Test
  readonly #unseen: Set<string>

  constructor(t: Test) {
    this.#t = t
    this.#unseen = new Set(everything())
  }

  /** What the document knows and nobody saw. */
  get unseen(): string[] {
    return [...this.#unseen]
  }

  /** Asks, and holds the answer against the document. */
  async ask(where: Where, path: string, wanted: Wanted = {}): Promise<Answered> {
    const answered = await ask(where, path, wanted)
    const { body, method = body === undefined ? 'GET' : 'POST' } = wanted
    this.check(method, path, answered)
    return answered
  }

  check(method: string, path: string, { status, headers, text, json }: Answered): void {
    const template = templateOf(path.split('?', 1)[0] as string)
    const name = `${method} ${template} ${status}`
    const type = headers['content-type'] ?? ''
    if (!everything().includes(name)) return void this.#t.fail(`${name} is not documented`)
    this.#unseen.delete(name)
    const at = responsePointer(template, method.toLowerCase(), String(status))
    const whole = type.startsWith('text/plain') ? text : json
    const bodies = type === 'application/x-ndjson' ? lines(text) : [whole]
    if (type === 'text/event-stream') return
    const schema = `${at}/content/${escape(type)}/schema`
    const validate = ajv.compile({ $ref: `api#${schema}` })
    for (const one of bodies)
      if (!validate(one))
        this.#t.fail(`${name}: ${JSON.stringify(validate.errors)}`, { diagnostic: one })
  }
}

function everything(): string[] {
  return Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses = {} }]) =>
      Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  )
}

function templateOf(path: string): string {
  const found = Object.keys(DOCUMENT.paths).find((template) =>
    new RegExp(`^${template.replace(/\{\w+\}/, '[^/:]+')}$`).test(path),
  )
  return found ?? path
}

/** Where the response stands; common ones stand apart. */
function responsePointer(path: string, method: string, status: string): string {
  const response = DOCUMENT.paths[path]?.[method]?.responses?.[status] as { $ref?: string }
  return response.$ref?.slice(1) ?? `/paths/${escape(path)}/${method}/responses/${status}`
}

function escape(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))
}

function lines(text: string): unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

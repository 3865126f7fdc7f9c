/**
 * shape - makes a text into the message of the service that its destination is a preset of.
 *
 * Made anew at each attempt, so that a mended option heals what waits. What says by its content
 * type that it is something else than text (`--json` first of all) is the service's own body and goes
 * as it is; nothing is sniffed. What cannot be said there bounces.
 */
import { briefSize } from '../base/size.ts'
import type { HttpDestination } from '../config/config.ts'
import { PRESETS } from '../config/presets/all.ts'
import { headOf, titled } from '../config/presets/preset.ts'
import type { Limit, Preset, Said } from '../config/presets/preset.ts'
import type { Secret } from '../config/reference.ts'
import type { Body } from '../message/body.ts'
import type { Outcome } from '../message/outcome.ts'
import { carried } from './carry.ts'
import { bodyLength, revealer } from './request.ts'
import type { Attempt, SecretSource } from './transport.ts'

type HttpAttempt = Attempt<HttpDestination>

export type Shaped =
  | {
      readonly attempt: HttpAttempt
      /** What the body holds that nobody should see. */
      readonly secrets: readonly string[]
    }
  | { readonly outcome: Outcome }

/** An attempt as its service takes it; as it is where the destination is of no service. */
export async function shape(attempt: HttpAttempt, source: SecretSource): Promise<Shaped> {
  const { envelope, body, destination } = attempt
  const preset = PRESETS.get(destination.preset?.type ?? '')
  const type = envelope.contentType ?? destination.contentType ?? 'text/plain'
  if (destination.preset === undefined || preset === undefined) return asIs(attempt)
  if (preset.carry !== undefined) return asWhole(attempt, preset.carry)
  if (/^application\/octet-stream\b/i.test(type))
    return bounced(`${preset.type} takes text, and this is none (${type})`)
  if (!/^text\//i.test(type)) return asIs(attempt)
  const { options, tooLong } = destination.preset
  const limit = typeof preset.limit === 'function' ? preset.limit(options) : preset.limit
  const { text, isWhole } = await textOf(body, limit)
  const { subject, level, id, createdAt, sender } = envelope
  const said: Said = {
    text,
    id,
    createdAt,
    ...(subject === undefined ? {} : { subject }),
    ...(level === undefined ? {} : { level }),
    ...(sender.host === undefined ? {} : { host: sender.host }),
  }
  const fitting =
    limit === undefined ? said : fit(said, bodyLength(body), isWhole, limit, preset)
  if (fitting !== said && tooLong === 'bounce')
    return bounced(
      `is longer than ${preset.type} takes (${limit!.most} ${limit!.of}); too_long = "cut" sends the beginning`,
    )
  const secrets: string[] = []
  const reveal = revealer(source, secrets)
  const revealed = (preset.bodySecrets ?? []).flatMap((name) => {
    const reference = options[name] as Secret | undefined
    return reference === undefined ? [] : [[name, reveal(reference)] as const]
  })
  const message = preset.message!(fitting, { ...options, ...Object.fromEntries(revealed) })
  if (typeof message === 'string') return waiting(`${preset.type}: ${message}`)
  const bytes = Buffer.from(JSON.stringify(message))
  return {
    attempt: {
      ...attempt,
      envelope: { ...envelope, contentType: 'application/json' },
      body: { kind: 'bytes', bytes },
    },
    secrets,
  }
}

/** The message with all that belongs to it, under the id that it has. */
function asWhole(attempt: HttpAttempt, carry: NonNullable<Preset['carry']>): Shaped {
  const { destination, body } = attempt
  const { method: _, headers: __, ...envelope } = attempt.envelope
  const contentType = envelope.contentType ?? destination.contentType
  const said = { envelope: attempt.envelope, contentType, name: destination.name }
  return asIs({
    ...attempt,
    envelope: {
      ...envelope,
      contentType: 'application/json',
      headers: {
        'msgq-id': envelope.id,
        'msgq-hops': String((envelope.sender.hops ?? 0) + 1),
      },
    },
    body: carried(carry(said, destination.preset!.options), body),
  })
}

function asIs(attempt: HttpAttempt): Shaped {
  return { attempt, secrets: [] }
}

function bounced(why: string): Shaped {
  const reason = `message: ${why}`
  return { outcome: { kind: 'bounced', reason, fault: 'message' } }
}

/** Somebody has to mend an option: the message waits for that. */
function waiting(reason: string): Shaped {
  const fault = 'configuration'
  return { outcome: { kind: 'deferred', reason, fault, uncharged: true } }
}

/** As much of a body as a service can take, and a little more. */
async function textOf(
  body: Body,
  limit: Limit | undefined,
): Promise<{ text: string; isWhole: boolean }> {
  if (body.kind === 'bytes')
    return { text: Buffer.from(body.bytes).toString('utf8'), isWhole: true }
  const most = limit === undefined ? Infinity : limit.most * 4 + 4
  const chunks: Buffer[] = []
  let read = 0
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    read += chunk.length
    if (read >= most) break
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\ufffd$/, '')
  return { text, isWhole: read >= body.length }
}

/** The same, or with its text cut to what the service takes; the mark says how much there was. */
function fit(
  said: Said,
  bytes: number,
  isWhole: boolean,
  limit: Limit,
  { escape = (text) => text }: Preset,
): Said {
  // Room for the marks around a subject.
  const size = (text: string) => lengthOf(escape(titled({ ...said, text })), limit.of) + 8
  if (isWhole && size(said.text) - 8 <= limit.most) return said
  const mark = `\n[cut: the whole has ${briefSize(bytes)}]`
  let [low, high] = [0, said.text.length]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (size(said.text.slice(0, middle) + mark) <= limit.most) low = middle
    else high = middle - 1
  }
  return { ...said, text: headOf(said.text, low) + mark }
}

function lengthOf(text: string, of: Limit['of']): number {
  if (of === 'characters') return text.length
  return Buffer.byteLength(of === 'bytes' ? text : JSON.stringify(text).slice(1, -1))
}

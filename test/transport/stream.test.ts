import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import tap from 'tap'

import type { Body } from '../../src/message/body.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  limits,
  listen,
  rawReceiver,
  receiver,
  transportFor,
  until,
} from './support.ts'

const MIB = 1024 * 1024

/** A body that comes chunk by chunk, and tells how much of it was asked for. */
function counted(length: number) {
  const seen = { read: 0, opened: 0, closed: 0 }
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const body: Body = {
    kind: 'stream',
    length,
    open() {
      seen.opened++
      let left = length
      return new Readable({
        read(this: Readable) {
          const size = Math.min(left, chunk.length)
          left -= size
          seen.read += size
          this.push(size === 0 ? null : chunk.subarray(0, size))
        },
        destroy(error, done) {
          seen.closed++
          done(error)
        },
      })
    },
  }
  return { body, seen }
}

tap.test('ten MiB arrive intact, with their length, at each attempt anew', async (t) => {
  const bytes = Buffer.alloc(10 * MIB)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(at, at)
  const file = join(t.testdir({}), 'body')
  writeFileSync(file, bytes)
  const body: Body = {
    kind: 'stream',
    length: bytes.length,
    open: () => createReadStream(file),
  }
  const got: unknown[] = []
  const url = await receiver(t, (request, response) => {
    const hash = createHash('sha256')
    let length = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      length += chunk.length
    })
    request.on('end', () => {
      const { headers } = request
      got.push([length, hash.digest('hex'), headers['content-length']])
      t.equal(headers['transfer-encoding'], undefined)
      response.writeHead(got.length === 1 ? 503 : 200).end()
    })
  })
  const transport = transportFor(t)
  const { signal } = new AbortController()
  const destination = destinationOf(url)
  t.match(await transport.deliver(attemptOf(destination, body), signal), { status: 503 })
  t.match(await transport.deliver(attemptOf(destination, body), signal), { status: 200 })
  const digest = createHash('sha256').update(bytes).digest('hex')
  const whole = [bytes.length, digest, String(bytes.length)]
  t.strictSame(got, [whole, whole])
})

tap.test('a receiver that does not read holds the source back', async (t) => {
  let go: (() => void) | undefined
  let received = 0
  const url = await receiver(t, (request, response) => {
    go = () => {
      request.on('data', (chunk: Buffer) => (received += chunk.length))
      request.on('end', () => response.end('ok'))
    }
  })
  const length = 64 * MIB
  const { body, seen } = counted(length)
  const running = deliver(t, attemptOf(destinationOf(url), body))
  await until(() => go !== undefined)
  // The kernel's buffers take some MiB; then it stands still.
  let before = -1
  while (before !== seen.read) {
    before = seen.read
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  t.ok(seen.read < length / 2, `${seen.read} of ${length} bytes were read`)
  go?.()
  t.match(await running, { kind: 'delivered' })
  t.equal(received, length)
  t.equal(seen.closed, 1)
})

tap.test('the source is closed however the attempt ends', async (t) => {
  const length = 64 * MIB
  const mute = await rawReceiver(t, () => {})
  const timedOut = counted(length)
  t.match(await deliver(t, attemptOf(destinationOf(mute, limits(300)), timedOut.body)), {
    reason: 'no answer in 300ms',
  })
  await until(() => timedOut.seen.closed === 1)

  const refused = counted(length)
  t.match(await deliver(t, attemptOf(destinationOf('http://127.0.0.1:1'), refused.body)), {
    reason: 'connection refused: 127.0.0.1:1',
  })
  await until(() => refused.seen.closed === 1)

  const reset = await rawReceiver(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  const cut = counted(length)
  t.match(await deliver(t, attemptOf(destinationOf(reset), cut.body)), {
    kind: 'deferred',
    fault: 'network',
  })
  await until(() => cut.seen.closed === 1)

  const stopped = counted(length)
  const stop = new AbortController()
  const running = transportFor(t).deliver(
    attemptOf(destinationOf(mute), stopped.body),
    stop.signal,
  )
  await until(() => stopped.seen.read > 0)
  stop.abort()
  t.match(await running, { reason: 'stopped before an answer came' })
  await until(() => stopped.seen.closed === 1)
})

tap.test('an answer before the end of the body counts', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(413, { connection: 'close' }).end('too much')
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const { body, seen } = counted(64 * MIB)
  t.match(await deliver(t, attemptOf(destinationOf(url), body)), {
    kind: 'bounced',
    fault: 'message',
    reason: /^413 .*: "too much"$/,
  })
  await until(() => seen.closed === 1)
})

tap.test('a body that cannot be opened or read is a fault of ours', async (t) => {
  const url = await receiver(t, (request, response) => {
    request.resume()
    request.on('end', () => response.end())
    request.on('error', () => {})
  })
  const error = Object.assign(new Error('EIO: input/output error, read'), { code: 'EIO' })
  const closed: Body = {
    kind: 'stream',
    length: 2 * MIB,
    open() {
      throw error
    },
  }
  t.strictSame(await deliver(t, attemptOf(destinationOf(url), closed)), {
    kind: 'deferred',
    reason: 'body cannot be read: input/output error',
    fault: 'configuration',
  })
  for (const after of [0, 1]) {
    let left = after
    const torn: Body = {
      kind: 'stream',
      length: 2 * MIB,
      open: () =>
        new Readable({
          read() {
            if (left-- > 0) this.push(Buffer.alloc(MIB))
            else this.destroy(error)
          },
        }),
    }
    t.match(await deliver(t, attemptOf(destinationOf(url), torn)), {
      kind: 'deferred',
      reason: 'body cannot be read: input/output error',
      fault: 'configuration',
    })
  }
  const missing: Body = {
    kind: 'stream',
    length: 2 * MIB,
    open: () => createReadStream(join(t.testdir({}), 'nothing')),
  }
  t.match(await deliver(t, attemptOf(destinationOf(url), missing)), {
    reason: 'body cannot be read: no such file or directory',
  })
})

tap.test('a body of another length than it said is never taken for whole', async (t) => {
  let whole = 0
  const url = await receiver(t, (request, response) => {
    request.resume()
    request.on('error', () => {})
    request.on('end', () => {
      if (request.complete) whole++
      response.end()
    })
  })
  const { body } = counted(2 * MIB)
  for (const length of [2 * MIB - 1, 2 * MIB + 1])
    t.match(await deliver(t, attemptOf(destinationOf(url), { ...body, length })), {
      kind: 'deferred',
      fault: 'configuration',
    })
  t.ok(whole <= 1)
})

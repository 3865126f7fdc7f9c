import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Machine } from './machine.ts'

void t.test('a message goes out, fails, is tried again, and bounces', async (t) => {
  const machine = new Machine(t)
  const answers = ['/ok=200', '/flaky=503,503,200', '/bad=400']
  const sink = await machine.sink({ answers })
  await machine.start()
  const ids = new Map<string, string>()
  for (const path of ['ok', 'flaky', 'bad']) {
    const { code, out, err } = await machine.msgq(
      'send',
      `${sink.url}/${path}`,
      '-d',
      'hello',
    )
    t.equal(code, 0, err)
    ids.set(path, out.trim())
  }
  await machine.until('five requests', () => sink.requests >= 5)
  await machine.until('all settled', () => machine.files('bounce').length === 1)
  t.strictSame([...sink.accepted].toSorted(), [ids.get('ok'), ids.get('flaky')].toSorted())
  t.equal(sink.times.get(ids.get('flaky')!), 3)
  t.match(machine.files('bounce')[0], ids.get('bad')!)
  t.equal(sink.repeats, 0)
  await machine.until('nothing left', () =>
    ['incoming', 'active', 'deferred'].every((state) => machine.files(state).length === 0),
  )
  t.equal(await machine.kill('SIGTERM'), 0, 'it stops when it is told to')
})

void t.test('a receiver that never answers does not change the other one', async (t) => {
  const machine = new Machine(t)
  machine.configure('[http]\ntimeout = "60s"\n[stop]\ngrace = "100ms"\n')
  const silent = await machine.sink({ answers: ['timeout'] })
  const good = await machine.sink()
  await machine.start()
  for (let n = 0; n < 3; n++) await machine.msgq('send', silent.url, '-d', 'x')
  const batch = Array.from(
    { length: 60 },
    () => `{"to":"${silent.url}","body":"x"}\n`,
  ).join('')
  t.match(await machine.run('msgq', ['send', '--batch'], batch), { code: 0 })
  await machine.until('the silent one is full', () => silent.requests >= 5)
  for (let n = 1; n <= 5; n++) {
    await machine.msgq('send', good.url, '-d', 'y')
    await machine.until('it arrives at once', () => good.requests === n, 2_000)
  }
  await machine.kill('SIGTERM')
  t.equal(machine.files('active').length, 0, 'what was on the wire is put back')
  t.equal(machine.files('incoming').length + machine.files('deferred').length, 63)
})

void t.test('a file made by hand is a message, and garbage ends in corrupt', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  await machine.start()
  const incoming = join(machine.spool, 'incoming')
  const put = (name: string, text: string) => {
    writeFileSync(join(incoming, `.${name}`), text)
    renameSync(join(incoming, `.${name}`), join(incoming, name))
  }
  put('by-hand', `{"to":"${sink.url}/hand"}\nmade with a shell`)
  put('garbage', 'no envelope at all')
  mkdirSync(join(incoming, 'folder'))
  await machine.until('both are placed', () => machine.files('corrupt').length === 2)
  await machine.until('it is delivered', () => sink.accepted.size === 1)
  t.equal(machine.files('incoming').length, 0)
  const reasons = machine.log.split('\n').filter((line) => line.includes('"corrupt"'))
  t.equal(reasons.length, 2, 'each is said once')
})

void t.test('the body arrives as it was sent, of any size and content', async (t) => {
  const machine = new Machine(t)
  const { createServer } = await import('node:http')
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks))
      response.end()
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
  await machine.start()
  const sent = [0, 1, 4096, 1024 * 1024, 9 * 1024 * 1024].map((size) => {
    const body = Buffer.alloc(size)
    for (let at = 0; at < size; at += 997) body[at] = at % 251
    return body
  })
  for (const [n, body] of sent.entries()) {
    const file = join(machine.spool, `../body-${n}`)
    writeFileSync(file, body)
    t.match(await machine.msgq('send', url, '-d', `@${file}`), { code: 0 })
    await machine.until('it arrives', () => bodies.length === n + 1)
    t.ok(bodies[n]!.equals(body), `${body.length} bytes`)
  }
})

void t.test('SIGHUP takes a good configuration, and leaves a bad one alone', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  const daemon = await machine.start()
  const incoming = join(machine.spool, 'incoming')
  writeFileSync(join(incoming, '.m'), '{"to":"later"}\nfor a destination to come')
  renameSync(join(incoming, '.m'), join(incoming, 'm'))
  await machine.until('it waits', () => machine.files('deferred').length === 1)
  machine.configure('[destinations.later]\nurl = "not a url"\n')
  daemon.kill('SIGHUP')
  await machine.until('it is refused', () =>
    /"event":"reload".*msgq\.toml/.test(machine.log),
  )
  t.equal(daemon.exitCode, null, 'and it goes on')
  machine.configure(`[destinations.later]\ntype = "http"\nurl = "${sink.url}"\n`)
  daemon.kill('SIGHUP')
  await machine.until('what waited for it goes out', () => sink.accepted.size === 1)
  await sleep(50)
  t.equal(machine.files('deferred').length, 0)
})

void t.test('a second daemon on the spool is refused, with 75 and a reason', async (t) => {
  const machine = new Machine(t)
  const first = await machine.start()
  const second = await machine.run('msgqd', [])
  t.equal(second.code, 75)
  t.match(second.err, new RegExp(`is served by another msgqd \\(pid ${first.pid} on `))
  t.equal(first.exitCode, null)
})

void t.test(
  'msgqd says all that keeps it from starting, each with what to do',
  async (t) => {
    const machine = new Machine(t)
    t.match(await machine.run('msgqd', ['--onec']), {
      code: 64,
      err: "msgqd: unknown option '--onec' (Did you mean --once?)\n  hint: msgqd --help\n",
    })
    machine.configure('mn = "1s"\nfactor = "x"\n')
    const { code, err } = await machine.run('msgqd', [])
    t.equal(code, 78)
    const line = String.raw`msgqd: \S+msgq\.toml:\d: retry\.`
    t.match(err, new RegExp(`^${line}mn: unknown option\n  hint: did you mean min\\?\n`))
    t.match(
      err,
      new RegExp(`${line}factor: is not a number: "x"\n  hint: write a number .*\n$`),
    )
  },
)

void t.test('msgqd --once delivers what is due, and ends', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({ answers: ['/later=503', '/ok=200'] })
  t.match(await machine.run('msgqd', ['--once']), { code: 0 }, 'it makes the spool')
  for (const path of ['ok', 'ok', 'later'])
    await machine.msgq('send', `${sink.url}/${path}`, '-d', 'x')
  t.match(await machine.run('msgqd', ['--once']), { code: 0 })
  t.equal(sink.accepted.size, 2)
  t.equal(machine.files('deferred').length, 1)
})

void t.test('the second SIGTERM ends it at once', async (t) => {
  const machine = new Machine(t)
  machine.configure('[http]\ntimeout = "60s"\n[stop]\ngrace = "60s"\n')
  const sink = await machine.sink({ answers: ['timeout'] })
  const daemon = await machine.start()
  await machine.msgq('send', sink.url, '-d', 'x')
  await machine.until('it is on the wire', () => sink.requests === 1)
  daemon.kill('SIGTERM')
  await machine.until('it waits', () => machine.log.includes('"stop"'))
  await sleep(100)
  t.equal(daemon.exitCode, null, 'for what is on the wire')
  t.equal(await machine.kill('SIGTERM'), 0)
  t.equal(machine.files('incoming').length, 1)
  const [file] = machine.files('incoming')
  t.notMatch(readFileSync(join(machine.spool, 'incoming', file!), 'utf8'), /interrupted/)
})

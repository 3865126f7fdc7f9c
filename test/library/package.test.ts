/**
 * package - msgq as an installed program has it: what `npm pack` makes, unpacked; its programs, the
 * example of the docs, `require`, and a program in TypeScript that is checked against its types.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import t from 'tap'

import { makeSpool } from '../../src/queue/open.ts'

/** Uses all that is public, as somebody would who knows nothing but the types. */
const CONSUMER = `import { MsgqError, UnsureError, open } from 'msgq'
import type { Acted, Choice, Ended, Envelope, Listed, OpenOptions, Outgoing, Queue, Requeued } from 'msgq'
import type { Sent, State, Suspended, TrailLine, Waiting, Whole } from 'msgq'
import { ReceiveError, Repeats, receive, verify } from 'msgq/receiver'

const options: OpenOptions = { spool: '/var/spool/msgq', env: process.env }
const message: Outgoing = { to: 'crm', json: { n: 1 }, key: 'k', at: new Date(), level: 'error' }
const choice: Choice = { to: ['crm'], state: 'bounce', limit: 10 }

export async function main(signal: AbortSignal): Promise<State | undefined> {
  const queue: Queue = await open(options)
  const { id }: { readonly id: string } = await queue.send(message)
  const sent: readonly Sent[] = await queue.sendMany([message, { event: 'a', body: Buffer.of(1) }])
  for (const one of sent) if ('error' in one) console.error(one.error.message)
  const waiting: Waiting = { signal, timeout: '60s' }
  const end: Ended = await queue.wait(id, waiting)
  if (end.outcome === 'delivered') return undefined
  const whole: Whole | undefined = await queue.get(id)
  const envelope: Envelope | undefined = whole?.envelope
  const trail: readonly TrailLine[] = whole?.trail ?? []
  for await (const one of queue.list(choice)) {
    const listed: Listed = one
    console.log(listed.due, envelope?.to, trail.length)
  }
  const acted: Acted = await queue.hold({ ids: id }, { dryRun: true })
  const requeued: Requeued = await queue.requeue('ALL', { redirect: 'ops', canary: true })
  const suspended: Suspended = await queue.suspend('crm', { for: '2h' })
  console.log(acted.changed, requeued.made[id], suspended.until)
  await queue.close()
  return whole?.state
}

export function why(error: unknown): string {
  if (error instanceof UnsureError) return 'nobody knows'
  return error instanceof MsgqError ? error.code + error.exitCode + (error.hint ?? '') : ''
}

export async function serve(request: Request): Promise<number> {
  try {
    const { id, body } = await receive(request, { secrets: 'whsec_x' })
    verify({ secrets: ['a'], headers: request.headers, body })
    return (await new Repeats({ limit: 9 }).once(id, () => {})) ? 201 : 200
  } catch (error) {
    return error instanceof ReceiveError ? error.status : 500
  }
}

// @ts-expect-error a level is one of a few words
export const wrong: Outgoing = { to: 'crm', body: '', level: 'loud' }
`

const folder = t.testdir({
  'package.json': '{"name": "consumer", "type": "module"}',
  'consumer.ts': CONSUMER,
  'old.cts': `import msgq = require('msgq')\nexport const queue = msgq.open()\n`,
  'msgq.toml': `spool = "spool"\n[send]\nmin_free = "1MiB"\n[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n`,
  'old.cjs': `console.log(Object.keys(require('msgq')).sort().join(), Object.keys(require('msgq/receiver')).sort().join())`,
})
const installed = join(folder, 'node_modules/msgq')
const words = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
const packed = execFileSync('npm', words, { encoding: 'utf8' }).trim()
mkdirSync(installed, { recursive: true })
execFileSync('tar', ['-xzf', join(folder, packed), '-C', installed, '--strip-components=1'])

t.test('its programs need bin/ and dist/bin of it, and its packages', async (t) => {
  const home = join(folder, 'programs/node_modules/msgq')
  for (const part of ['bin', 'dist/bin', 'package.json'])
    cpSync(join(installed, part), join(home, part), { recursive: true })
  const spool = join(folder, 'programs/spool')
  const { PATH } = process.env
  const env = { PATH, HOME: folder, MSGQ_SPOOL: spool, MSGQ_ANY_FILESYSTEM: '1' }
  const run = (program: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(home, 'bin', program), ...args], {
      ...{ env, cwd: folder, encoding: 'utf8' },
    })
  t.match(run('msgqd', '--once'), { status: 0, stderr: '', stdout: '"event":"start"' })
  const sent = run('msgq', 'send', 'http://127.0.0.1:9/', 'x')
  t.match(sent, { status: 0, stderr: '', stdout: /^[0-9A-Z]{26}\n$/ })
  t.match(run('msgqd', '--once'), { status: 0, stdout: '"outcome":"deferred"' })
  t.match(run('msgq', 'mailq'), { status: 0, stdout: /^1 message, /m })
  const folders = readdirSync(join(installed, 'dist'))
  t.notOk(
    folders.includes('cli') || folders.includes('daemon'),
    'and what became them is not there twice',
  )
})

t.test('the example of docs/library.md, and require', async (t) => {
  const example = /```js\n([^]*?)```/.exec(readFileSync('docs/library.md', 'utf8'))?.[1]
  writeFileSync(join(folder, 'example.mjs'), example ?? '')
  await makeSpool(join(folder, 'spool'))
  const env = {
    ...process.env,
    NODE_OPTIONS: '--no-warnings',
    MSGQ_SPOOL: '',
    MSGQ_TO: '',
    MSGQ_CONFIG: join(folder, 'msgq.toml'),
    MSGQ_ANY_FILESYSTEM: '1',
  }
  const run = (file: string) =>
    spawnSync(process.execPath, [join(folder, file)], { env, encoding: 'utf8' })
  const shown = run('example.mjs')
  t.match(shown, { status: 0, stderr: '' })
  t.match(shown.stdout, /^[0-9A-Z]{26} incoming\nwaiting\n$/)
  t.match(run('old.cjs'), {
    status: 0,
    stdout: 'MsgqError,UnsureError,open ReceiveError,Repeats,receive,verify\n',
  })
})

t.test('its types hold for who is strict, however he finds them', async (t) => {
  const ways = [
    ['nodenext', 'nodenext', ['consumer.ts', 'old.cts']],
    ['bundler', 'esnext', ['consumer.ts']],
  ] as const
  for (const [moduleResolution, module, files] of ways) {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2022'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
    }
    const project = join(folder, `${moduleResolution}.json`)
    writeFileSync(project, JSON.stringify({ compilerOptions, files }))
    const tsc = resolve('node_modules/.bin/tsc')
    const { stdout, stderr } = spawnSync(
      tsc,
      ['-p', project, '--listFiles', '--pretty', 'false'],
      { encoding: 'utf8', cwd: folder, maxBuffer: 16 * 1024 * 1024 },
    )
    t.equal(stderr, '', moduleResolution)
    const lines = stdout.trimEnd().split('\n')
    // What is wrong in the types of Node itself is not ours to say.
    const wrong = lines.filter((line) => / error TS/.test(line) && !/@types\//.test(line))
    t.same(wrong, [], moduleResolution)
    const index = lines.find((line) => line.endsWith('msgq/dist/index.d.ts'))
    t.equal(index, join(installed, 'dist/index.d.ts'), 'those of the package')
    const ours = lines.filter((line) => line.startsWith(`${installed}/`))
    t.same(
      ours.filter((line) => !line.endsWith('.d.ts')),
      [],
      'and no source',
    )
  }
})

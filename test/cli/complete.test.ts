/**
 * complete - what is offered where, and that real shells offer it.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { COMMANDS } from '../../src/cli/commands.ts'
import { STATES } from '../../src/message/state.ts'
import { shortId } from '../../src/message/id.ts'
import { MSGQ, ROOT, published } from './program.ts'
import { MINUTE, World } from './world.ts'

const TOML = ['crm', 'ops', 'pager']
  .map(
    (name) => `[destinations.${name}]\ntype = "http"\nurl = "https://${name}.example/"\n`,
  )
  .join('')

/** The words that are offered for the last one of a line. */
async function offered(world: World, ...words: string[]): Promise<string[]> {
  const { code, out, err } = await world.run('complete', '--', ...words)
  if (code !== 0 || err !== '') throw new Error(`${code}: ${err}`)
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0]!)
}

t.test('commands', async (t) => {
  const world = await World.open(t, TOML)
  const all = COMMANDS.map(({ name }) => name)
  t.same(await offered(world), all)
  t.same(await offered(world, ''), all)
  t.same(
    await offered(world, 're'),
    all.filter((name) => name.startsWith('re')),
  )
  t.same(await offered(world, 'help', 'mai'), ['mailq'])
  t.same(await offered(world, 'nonsense', ''), [])
  t.notOk(all.includes('complete'), 'it is for shells, and no help lists it')
})

t.test('options, as --help has them', async (t) => {
  const world = await World.open(t, TOML)
  t.same(await offered(world, 'send', '--de'), ['--delay'])
  t.ok((await offered(world, 'list', '-')).includes('--state'), 'by an alias, too')
  t.notOk((await offered(world, 'send', '--')).includes('--data-binary'), 'hidden ones not')
})

t.test('destinations, one or more', async (t) => {
  const world = await World.open(t, TOML)
  t.same(await offered(world, 'send', ''), ['crm', 'ops', 'pager'])
  t.same(await offered(world, 'send', '-q', '-s', 'subject', 'o'), ['ops'])
  t.same(await offered(world, 'wrap', 'crm,'), ['crm,ops', 'crm,pager'])
  t.same(await offered(world, 'mailq', '--to', 'p'), ['pager'])
  t.same(
    await offered(world, 'send', 'ops', 'text', ''),
    [],
    'no more than one word of them',
  )
})

t.test('states and other values, as any shell cuts them', async (t) => {
  const world = await World.open(t, TOML)
  t.same(await offered(world, 'mailq', '--state', ''), [...STATES])
  t.same(await offered(world, 'mailq', '--state', 'hold,b'), ['hold,bounce'])
  t.same(await offered(world, 'mailq', '--state=b'), ['--state=bounce'])
  t.same(await offered(world, 'mailq', '--state', '=', 'b'), ['bounce'])
  t.same(await offered(world, 'mailq', '--state', '='), [...STATES])
  t.same(await offered(world, 'wrap', '--on', 're'), ['recover'])
  t.same(await offered(world, 'wrap', '--level', 'c'), ['critical'])
  t.same(await offered(world, 'completion', ''), ['bash', 'zsh', 'fish'])
  t.same(await offered(world, 'send', '--subject', ''), [], 'what anything may be')
})

t.test('ids of the messages that a command is for', async (t) => {
  const world = await World.open(t, TOML)
  const deferred = shortId(await world.defer({ to: 'crm' }, MINUTE))
  const bounced = shortId(await world.bounce({ to: 'ops' }))
  t.same((await offered(world, 'show', '')).toSorted(), [deferred, bounced].toSorted())
  t.same(await offered(world, 'show', deferred.toLowerCase()), [deferred])
  t.same(await offered(world, 'requeue', ''), [bounced])
  t.same(await offered(world, 'flush', ''), [deferred])
  t.same(await offered(world, 'requeue', bounced, ''), [], 'not twice')
  const { out } = await world.run('complete', '--', 'requeue', '')
  t.equal(out, `${bounced}\tbounce, ops\n`)
})

t.test('behind -- stands what is not ours', async (t) => {
  const world = await World.open(t, TOML)
  t.same(await offered(world, 'wrap', 'ops', '--', ''), [])
  t.same(await offered(world, 'wrap', 'ops', '--', 'x', '--st'), [])
})

t.test(
  'without a spool or a configuration there is nothing, and no word about it',
  async (t) => {
    const world = await World.open(t, 'not = [toml')
    t.same((await world.run('complete', '--', 'send', '')).out, '')
    rmSync(world.spool, { recursive: true })
    t.same((await world.run('complete', '--', 'show', '')).out, '')
  },
)

t.test('each shell has its file', async (t) => {
  const program = await published(t)
  for (const [shell, file] of [
    ['bash', 'msgq.bash'],
    ['zsh', '_msgq'],
    ['fish', 'msgq.fish'],
  ] as const) {
    const { out } = await program.msgq(['completion', shell])
    t.equal(out, readFileSync(join(ROOT, 'etc/completions', file), 'utf8'))
  }
  t.match(await program.msgq(['completion', 'csh']), { code: 64, err: /bash, zsh, fish/ })
})

const lacks = (shell: string) =>
  spawnSync(shell, ['-c', 'true']).status !== 0 && `no ${shell} here`

/** How each shell is brought to say what it would offer for a line. */
const SHELLS = {
  bash: (words: readonly string[]) => `source <(msgq completion bash)
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    _msgq msgq; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // The completion system works on a terminal only: what it would be given is looked at.
  zsh: (words: readonly string[]) => `compdef() {}; _files() {}
    _describe() { local each; for each in "\${(@P)\${@[-1]}}"; do print -r -- \${each%%:*}; done }
    source <(msgq completion zsh)
    words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _msgq`,
  fish: (words: readonly string[]) => `msgq completion fish | source
    complete -C '${words.join(' ')}' | string replace -r '\\t.*' ''`,
} as const

for (const [shell, script] of Object.entries(SHELLS))
  t.test(`${shell} itself`, { skip: lacks(shell) }, async (t) => {
    const program = await published(t)
    const bin = join(program.folder, 'bin')
    mkdirSync(bin)
    symlinkSync(MSGQ, join(bin, 'msgq'))
    const env = { ...program.env, PATH: `${bin}:${program.env['PATH']}` }
    const flags = shell === 'zsh' ? ['-f'] : []
    const says = (...words: string[]) => {
      const args = [...flags, '-c', script(['msgq', ...words])]
      const { stdout, stderr } = spawnSync(shell, args, { env, encoding: 'utf8' })
      t.equal(stderr, '')
      return stdout.split('\n').filter((line) => line !== '')
    }
    t.same(says('req'), ['requeue'])
    t.same(says('send', ''), ['crm'])
    t.same(says('mailq', '--state', 'b'), ['bounce'])
    t.same(says('send', '--subj'), ['--subject'])
  })

/**
 * reload - what the daemon answers, said to people and to machines.
 */
import t from 'tap'
import type { Test } from 'tap'

import { Control } from '../daemon/fake-control.ts'
import type { Answer } from '../../src/daemon/control.ts'
import { World } from './world.ts'

async function answering(t: Test, answer: Answer): Promise<World> {
  const world = await World.open(t)
  const control = await Control.open(world.spool, { 'POST /v1/reload': () => answer })
  t.teardown(() => control.close())
  return world
}

t.test('a good configuration is said with what changed', async (t) => {
  const world = await answering(t, {
    status: 200,
    body: {
      files: ['/etc/msgq/msgq.toml', '/etc/msgq/conf.d/crm.toml'],
      newLanes: ['crm', 'ops'],
      needsRestart: ['anyFilesystem'],
      warnings: ['/etc/msgq/msgq.toml:3: a secret stands inline'],
    },
  })
  t.same(await world.run('reload'), {
    code: 0,
    out:
      'reloaded: /etc/msgq/msgq.toml, /etc/msgq/conf.d/crm.toml\n' +
      '  new: crm, ops\n' +
      '  needs a restart: any_filesystem\n' +
      '  warning: /etc/msgq/msgq.toml:3: a secret stands inline\n',
    err: '',
  })
  t.match(JSON.parse((await world.run('reload', '--json')).out), {
    newLanes: ['crm', 'ops'],
  })
})

t.test('without a file there is little to say', async (t) => {
  const body = { files: [], newLanes: [], needsRestart: [], warnings: [] }
  const world = await answering(t, { status: 200, body })
  t.equal((await world.run('reload')).out, 'reloaded: no file, all defaults\n')
})

t.test('a bad configuration is 78, with all that is wrong', async (t) => {
  const problems = ['/etc/msgq/msgq.toml:2: retry.mim: unknown option', 'and one\u001bmore']
  const world = await answering(t, { status: 422, body: { problems } })
  t.same(await world.run('reload'), {
    code: 78,
    out: '',
    err:
      'msgq: reload: /etc/msgq/msgq.toml:2: retry.mim: unknown option\n' +
      'msgq: reload: and one more\n' +
      '  hint: what was in force still is; msgq check says more\n',
  })
  const json = await world.run('reload', '--json')
  t.equal(json.code, 78)
  t.same(JSON.parse(json.out), { problems })
})

t.test('a daemon that fails at it is trouble', async (t) => {
  const world = await answering(t, { status: 500, body: { error: 'x' } })
  t.match(await world.run('reload'), {
    code: 75,
    out: '',
    err: 'msgq: reload: msgqd: answers 500',
  })
})

t.test('without a daemon there is nothing to reload', async (t) => {
  const world = await World.open(t)
  t.match(await world.run('reload'), {
    code: 69,
    out: '',
    err: /^msgq: reload: msgqd is not running for .*: there is nothing to reload\n {2}hint: /,
  })
})

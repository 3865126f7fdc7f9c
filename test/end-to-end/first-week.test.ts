/**
 * first-week - those command lines of the first week that need a daemon: test/cli/first-week.test.ts
 * has the others.
 */
import { execFile } from 'node:child_process'

import t from 'tap'

import { MSGQ } from '../cli/program.ts'
import { Machine } from './machine.ts'

t.test('8, 17, 24, 25: with a daemon that serves', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink({ answers: ['/ok=200', '/bad=404'] })
  const configure = (level: string) =>
    machine.configure(
      `[log]\nlevel = "${level}"\nformat = "text"\n${['ok', 'bad']
        .map((at) => `[destinations.${at}]\ntype = "http"\nurl = "${sink.url}/${at}"\n`)
        .join('')}`,
    )
  configure('info')
  const daemon = await machine.start()
  const type = (line: string): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const script = `msgq() { '${process.execPath}' '${MSGQ}' "$@"; }\n${line}`
      execFile('/bin/sh', ['-c', script], { env: machine.env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err })
      })
    })

  await t.test('17: --wait decides what a script does next', async (t) => {
    t.match(await type('msgq send ok --wait -q v42 || echo rollback'), { out: '', code: 0 })
    t.match(await type('msgq send bad --wait -q v42 || echo rollback'), {
      out: 'rollback\n',
      err: /bounced: 404/,
    })
  })
  await t.test('8: a dump that breaks is not sent as if it were whole', async (t) => {
    const before = sink.accepted.size
    const line = (end: string) =>
      `msgq wrap --on ok --stdout ok -- sh -c 'echo dump; exit ${end}'`
    t.match(await type(line('3')), { code: 3 })
    t.match(await type(line('0')), { code: 0 })
    await machine.until('the whole one is there', () => sink.accepted.size > before)
    t.equal(sink.accepted.size, before + 1)
  })
  await t.test('24: a receiver is under maintenance tonight', async (t) => {
    t.match(await type('msgq suspend ok --for 2h --why maintenance'), { code: 0 })
    t.match(await type('msgq send ok --wait -q x'), {
      code: 3,
      err: /waits: ok is suspended until .* by .*: maintenance; msgq resume ok/,
    })
    t.match(await type('msgq status'), { out: /ok .*suspended.*maintenance/ })
    t.match(await type('msgq resume ok'), { code: 0 })
    await machine.until('it has gone', () => machine.files('deferred').length === 0)
  })
  await t.test('25: what happened, and what is in force', async (t) => {
    const [id = ''] = (await type('msgq send bad x --wait')).out.trim().split('\n')
    const short = id.slice(-8)
    t.match(await type(`msgq log --since 00:00 | grep ${short}`), { out: /bounced/ })
    t.match(machine.log, new RegExp(`${short}.*bounced`), 'grep hits the text of the log')
    configure('warn')
    t.match(await type('msgq reload'), { code: 0, out: /log/ })
    t.equal(daemon.exitCode, null)
  })
})

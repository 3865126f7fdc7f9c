/**
 * package - msgq as an installed program has it: the example of the docs, and `require`.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { makeSpool } from '../../src/queue/open.ts'

t.test('the example of docs/library.md, and require', async (t) => {
  const example = /```js\n([^]*?)```/.exec(readFileSync('docs/library.md', 'utf8'))?.[1]
  const folder = t.testdir({
    'msgq.toml': `spool = "spool"\n[send]\nmin_free = "1MiB"\n[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n`,
    'example.mjs': example ?? '',
    'old.cjs': `console.log(Object.keys(require('msgq')).sort().join())`,
  })
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
  t.match(run('old.cjs'), { status: 0, stdout: 'MsgqError,UnsureError,open\n' })
})

/**
 * full-disk - a door on a disk that is full: 503, nothing is kept, and it goes on once there is
 * room again.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t from 'tap'

import { SmallDisk, cannotMount } from '../crash/small-disk.ts'
import { ask, post } from './ask.ts'
import { openDoors } from './doors.ts'

const TOML = `[destinations.ops]
type = "http"
url = "http://127.0.0.1:9/"
enabled = false
`

t.test(
  'a disk without room refuses, and keeps nothing',
  { skip: cannotMount() },
  async (t) => {
    // A path of a socket has to be short.
    const below = mkdtempSync(join(tmpdir(), 'msgq-'))
    const disk = SmallDisk.mount(below)
    t.teardown(() => {
      disk.unmount()
      rmSync(below, { recursive: true, force: true })
    })
    const { submit, control, daemon } = await openDoors(t, TOML, disk.root)
    const { spool } = daemon.config
    const files = () =>
      ['incoming', 'active', 'deferred', 'hold', 'keys'].flatMap((folder) =>
        readdirSync(join(spool, folder)).map((file) => `${folder}/${file}`),
      )
    const message = { to: 'ops', body: 'x'.repeat(20_000), key: 'k-1', hold: true }
    const refused = { status: 503, headers: { 'retry-after': '10' } }
    for (const [what, fill] of [
      ['blocks', () => disk.fill()],
      ['inodes', () => disk.fillInodes()],
    ] as const) {
      fill()
      t.match(
        await post(submit, message),
        {
          ...refused,
          json: { code: 'unavailable', detail: /no space left|inodes free/ },
        },
        what,
      )
      const line = JSON.stringify({ ...message, key: undefined })
      const lines = await ask(submit, '/v1/messages', {
        body: `${line}\n${line}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      })
      t.equal(lines.text.match(/"status":503/g)?.length, 2, lines.text)
      t.strictSame(files(), [], `${what}: nothing is left, neither message nor key`)
      disk.empty()
    }
    const sent = await post(submit, message)
    t.equal(sent.status, 202, 'the same again')
    t.equal((await post(submit, message)).status, 200)
    // A file is there already, which takes no room: an act is a rename and a line.
    for (let n = 0; n < 500; n++) {
      const { json } = await ask(control, `/v1/messages/${sent.json.id}`)
      if (json.state === 'hold') break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    disk.fill()
    const removed = await ask(control, `/v1/messages/${sent.json.id}`, { method: 'DELETE' })
    t.equal(removed.status, 200, 'and who makes room is let do it')
  },
)

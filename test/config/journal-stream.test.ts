/**
 * journal-stream - only the very file that systemd names is the journal.
 */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { leadsToJournal } from '../../src/config/journal-stream.ts'

t.test('it is the file that the variable names, and no other', async (t) => {
  const fd = openSync(join(t.testdir({}), 'journal'), 'w')
  const { dev, ino } = fstatSync(fd)
  const env = { JOURNAL_STREAM: `${dev}:${ino}` }
  t.equal(leadsToJournal(env, fd), true)
  t.equal(leadsToJournal({}, fd), false)
  t.equal(
    leadsToJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, fd),
    false,
    'a pipe to tee',
  )
  t.equal(leadsToJournal({ JOURNAL_STREAM: 'x' }, fd), false)
  closeSync(fd)
  t.equal(leadsToJournal(env, fd), false, 'stdout is closed')
})

/**
 * progress - a bar for those who wait, and nothing for those who do not look.
 */
import t from 'tap'

import type { Io } from '../../src/cli/command.ts'
import { Progress } from '../../src/cli/progress.ts'

function stage({ isTTY = true, columns = 80, term = 'xterm' } = {}) {
  let now = 0
  let written = ''
  const io = {
    stderr: { isTTY, columns, write: (text: string) => void (written += text) },
    clock: { now: () => now, monotonic: () => now },
    environment: { env: { TERM: term } },
  } as unknown as Io
  return {
    progress: new Progress(io, 'requeue'),
    at: (ms: number) => void (now = ms),
    said: () => written,
  }
}

t.test('it is drawn after a second, now and then, and wiped away', async (t) => {
  const { progress, at, said } = stage()
  progress.tell(10, 10_000)
  at(999)
  progress.tell(1_000, 10_000)
  t.equal(said(), '')
  at(2_000)
  progress.tell(2_500, 10_000)
  const first = '\rrequeue [######..................] 2,500 of 10,000, 6s left\u001b[K'
  t.equal(said(), first)
  at(2_050)
  progress.tell(2_600, 10_000)
  t.equal(said(), first)
  at(8_000)
  progress.tell(10_000, 10_000)
  progress.end()
  progress.end()
  const last = '\rrequeue [########################] 10,000 of 10,000\u001b[K'
  t.equal(said(), `${first}${last}\r\u001b[K`)
})

t.test('away from a terminal there is none, and who was quick saw none', async (t) => {
  const piped = stage({ isTTY: false })
  piped.at(5_000)
  piped.progress.tell(1, 2)
  piped.progress.end()
  t.equal(piped.said(), '')
  const quick = stage()
  quick.progress.tell(1, 2)
  quick.progress.end()
  t.equal(quick.said(), '')
})

t.test('it keeps within its line', async (t) => {
  const { progress, at, said } = stage({ columns: 30, term: 'dumb' })
  at(5_000)
  progress.tell(1, 3)
  progress.end()
  t.equal(said(), '\rrequeue [########............\n')
})

import t from 'tap'

import { fullDisk } from './full-disk.ts'
import { cannotMount } from './small-disk.ts'

t.test(
  'a disk that fills up refuses what is new, and goes on when it is emptied',
  { skip: cannotMount() },
  async (t) => {
    const { wrongs, ended } = await fullDisk(t.testdir())
    t.same(wrongs, [])
    t.match(ended, /^[6-9] sends refused with 75/)
  },
)

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { STATES } from '../../../src/message/state.ts'
import type { State } from '../../../src/message/state.ts'
import type { Act, Engine, Lease, Settlement } from '../../../src/queue/queue.ts'
import { MOVES } from '../../../src/queue/spool/moves.ts'
import type { Move } from '../../../src/queue/spool/moves.ts'
import { SpoolEngine } from '../../../src/queue/spool/spool.ts'
import { HandClock } from '../conformance/rig.ts'

// Each row of the state table has a story that needs it. With the row the story ends as told;
// without it the story must not: a row that nobody misses would be a row too many.

class Stage {
  readonly clock = new HandClock()
  readonly engine: Engine
  readonly root: string

  constructor(root: string, moves: readonly Move[]) {
    this.root = root
    this.engine = new SpoolEngine(root, {
      clock: this.clock,
      create: true,
      anyFilesystem: true,
      moves,
      takeLock: async () => ({ held: () => true, release: async () => {} }),
    })
  }

  send(more: object = {}): Promise<string> {
    const draft = { to: 'ops', ...more }
    return this.engine.enqueue({ draft, body: Buffer.from('x'), sender: { uid: 0 } })
  }

  async lease(): Promise<Lease> {
    const [lease] = await this.engine.claim({ room: () => 1, max: 1 })
    if (lease === undefined) throw new Error('no lease')
    return lease
  }

  look(): Promise<readonly Lease[]> {
    return this.engine.claim({ room: () => 0, max: 1 })
  }

  async settled(to: 'deferred' | 'bounced' | 'held'): Promise<void> {
    const lease = await this.lease()
    const line = {
      at: this.clock.iso(),
      try: 1,
      outcome: to,
      reason: 'because',
    } as const
    const due = this.clock.now() + 1000
    await this.engine.settle(lease, { to, line, due } as Settlement)
  }

  async act(act: Act, states: State[]): Promise<void> {
    const { skipped } = await this.engine.act(act, { states }, { by: 'tester' })
    if (skipped.length > 0) throw new Error(skipped[0]!.why)
  }

  garbage(state: State, name: string): void {
    writeFileSync(join(this.root, state, name), 'no message')
  }

  /** Where the files are. */
  where(): string {
    return STATES.flatMap((state) =>
      readdirSync(join(this.root, state)).map(() => state),
    ).join(' ')
  }
}

const NAME = '20261120T090000.000Z,0,01JD3Z8K6Q4W5E6R7T8Y9V0A1P@ops'

const STORIES: Record<string, { tell: (stage: Stage) => Promise<void>; end: string }> = {
  'incoming active': {
    tell: async (stage) => {
      await stage.send()
      await stage.lease()
    },
    end: 'active',
  },
  'incoming deferred': {
    tell: async (stage) => {
      await stage.send({ notBefore: stage.clock.iso(1000) })
      await stage.look()
    },
    end: 'deferred',
  },
  'incoming hold': {
    tell: async (stage) => {
      await stage.send()
      await stage.act('hold', ['incoming'])
    },
    end: 'hold',
  },
  'incoming bounce': {
    tell: async (stage) => {
      await stage.send()
      await stage.act('expire', ['incoming'])
    },
    end: 'bounce',
  },
  'incoming gone': {
    tell: async (stage) => {
      await stage.send()
      await stage.act('delete', ['incoming'])
    },
    end: '',
  },
  'incoming corrupt': {
    tell: async (stage) => {
      await stage.send({ notBefore: stage.clock.iso(1000) })
      await stage.look()
      const [file] = readdirSync(join(stage.root, 'deferred'))
      stage.garbage('incoming', file!.replace('@ops', '@crm'))
      await stage.look()
    },
    end: 'deferred corrupt',
  },
  'deferred active': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
      stage.clock.pass(1000)
      await stage.lease()
    },
    end: 'active',
  },
  'deferred incoming': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
      await stage.act('flush', ['deferred'])
    },
    end: 'incoming',
  },
  'deferred hold': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
      await stage.act('hold', ['deferred'])
    },
    end: 'hold',
  },
  'deferred bounce': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
      await stage.act('expire', ['deferred'])
    },
    end: 'bounce',
  },
  'deferred gone': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
      await stage.act('delete', ['deferred'])
    },
    end: '',
  },
  'deferred corrupt': {
    tell: async (stage) => {
      await stage.send()
      const [file] = readdirSync(join(stage.root, 'incoming'))
      await stage.look()
      stage.garbage('deferred', file!.replace('@ops', '@crm'))
      stage.clock.pass(600_000)
      await stage.look()
      await stage.engine.close()
    },
    end: 'incoming corrupt',
  },
  'active gone': {
    tell: async (stage) => {
      await stage.send()
      await stage.engine.settle(await stage.lease(), { to: 'delivered' })
    },
    end: '',
  },
  'active deferred': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('deferred')
    },
    end: 'deferred',
  },
  'active bounce': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('bounced')
    },
    end: 'bounce',
  },
  'active hold': {
    tell: async (stage) => {
      await stage.send({ hold: true })
      await stage.engine.claim({ room: () => 1, max: 1 })
    },
    end: 'hold',
  },
  'active incoming': {
    tell: async (stage) => {
      await stage.send()
      await stage.engine.settle(await stage.lease(), { to: 'released' })
    },
    end: 'incoming',
  },
  'active corrupt': {
    tell: async (stage) => {
      stage.garbage('incoming', NAME)
      await stage.engine.claim({ room: () => 1, max: 1 })
    },
    end: 'corrupt',
  },
  'hold incoming': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('held')
      await stage.act('release', ['hold'])
    },
    end: 'incoming',
  },
  'hold bounce': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('held')
      await stage.act('expire', ['hold'])
    },
    end: 'bounce',
  },
  'hold gone': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('held')
      await stage.act('delete', ['hold'])
    },
    end: '',
  },
  'bounce incoming': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('bounced')
      await stage.act('requeue', ['bounce'])
    },
    end: 'incoming',
  },
  'bounce gone': {
    tell: async (stage) => {
      await stage.send()
      await stage.settled('bounced')
      await stage.act('delete', ['bounce'])
    },
    end: '',
  },
  'corrupt incoming': {
    tell: async (stage) => {
      stage.garbage('corrupt', NAME)
      await stage.act('requeue', ['corrupt'])
    },
    end: 'incoming',
  },
  'corrupt gone': {
    tell: async (stage) => {
      stage.garbage('corrupt', NAME)
      await stage.act('delete', ['corrupt'])
    },
    end: '',
  },
}

let stages = 0

async function play(t: Test, row: string, moves: readonly Move[]): Promise<string> {
  const stage = new Stage(join(t.testdir(), `stage-${stages++}`), moves)
  await stage.engine.recover()
  try {
    await STORIES[row]!.tell(stage)
    return stage.where()
  } catch (error) {
    return (error as Error).message
  } finally {
    await stage.engine.close()
  }
}

for (const { from, to, when } of MOVES) {
  const row = `${from} ${to}`
  void t.test(`${from} -> ${to}: ${when}`, async (t) => {
    const story = STORIES[row]
    if (story === undefined) return t.fail(`no story needs the row ${row}`)
    t.equal(await play(t, row, MOVES), story.end, 'as told')
    const without = MOVES.filter((move) => `${move.from} ${move.to}` !== row)
    t.not(await play(t, row, without), story.end, 'and not without its row')
  })
}

void t.test('every story is of a row', async (t) => {
  const rows = new Set(MOVES.map(({ from, to }) => `${from} ${to}`))
  t.strictSame(
    Object.keys(STORIES).filter((row) => !rows.has(row)),
    [],
  )
})

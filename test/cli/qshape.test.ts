import t from 'tap'

import { HOUR, MINUTE, NOON, World, screen } from './world.ts'

async function queue(world: World): Promise<void> {
  const send = async (to: string, age: number) => {
    world.at(NOON - age)
    await world.send({ to })
  }
  // Ids only grow, so the oldest comes first.
  await send('crm', 26 * HOUR)
  await send('pager', 91 * MINUTE)
  await send('pager', 90 * MINUTE)
  world.at(NOON - HOUR)
  await world.defer({ to: 'late' }, 2 * HOUR)
  await world.bounce({ to: 'dead' })
  await send('ops', 6 * MINUTE)
  await send('crm', 5 * MINUTE)
  await send('crm', 4 * MINUTE)
  world.at(NOON)
}

t.test('it tells the age of what waits by destination, the most first', async (t) => {
  const world = await World.open(t)
  await queue(world)
  t.strictSame(await world.run('qshape'), {
    code: 0,
    out: screen(`
             T  5  10  20  40  80  160  320  640  1280  1280+
      TOTAL  7  2   1   0   0   1    2    0    0     0      1
      crm    3  2   0   0   0   0    0    0    0     0      1
      pager  2  0   0   0   0   0    2    0    0     0      0
      late   1  0   0   0   0   1    0    0    0     0      0
      ops    1  0   1   0   0   0    0    0    0     0      0
    `),
    err: '',
  })
})

t.test('states and selectors choose', async (t) => {
  const world = await World.open(t)
  await queue(world)
  const lanes = async (...argv: string[]) =>
    (await world.run('qshape', ...argv, '--json')).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { lane?: string; total: number })
      .map(({ lane = '', total }) => `${lane}${total}`)
      .join()
  t.equal(await lanes('deferred'), 'late1,1')
  t.equal(await lanes('bounce', 'deferred'), 'dead1,late1,2')
  t.equal(await lanes('--state', 'bounce'), 'dead1,1')
  t.equal(await lanes('--to', 'crm,ops'), 'crm3,ops1,4')
  t.equal(await lanes('--older-than', '1h', '--to', 'crm'), 'crm1,1')
  t.equal(await lanes('hold'), '0')
  t.match(await world.run('qshape', 'helt'), {
    code: 64,
    err: /no such state: "helt"\n {2}hint: there are incoming,/,
  })
  const { out } = await world.run('qshape', '--to', 'ops', '--json')
  t.match(JSON.parse(out.split('\n')[0]!), {
    lane: 'ops',
    total: 1,
    minutes: [
      { upTo: 5, count: 0 },
      { upTo: 10, count: 1 },
    ],
    older: 0,
  })
})

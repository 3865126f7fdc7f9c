/**
 * deliver-graphile - `deliver-graphile.mjs DATABASE WIDTH`: graphile-worker's own program that
 * delivers, so many at once.
 */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

import { post } from './post.mjs'

const { Logger, run } = createRequire(resolve('.bench/peers/package.json'))(
  'graphile-worker',
)
const [connectionString, width] = process.argv.slice(2)
const concurrency = Number(width)

await run({
  connectionString,
  concurrency,
  maxPoolSize: 22,
  logger: new Logger(() => () => {}),
  taskList: { deliver: (message) => post(message, concurrency) },
})

/**
 * deliver-bullmq - `deliver-bullmq.mjs PORT WIDTH`: BullMQ's own program that delivers, so many at
 * once.
 */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

import { post } from './post.mjs'

const { Worker } = createRequire(resolve('.bench/peers/package.json'))('bullmq')
const [port, width] = process.argv.slice(2).map(Number)
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
const deliver = ({ data }) => post(data, width)

await new Worker('bench', deliver, { connection, concurrency: width }).waitUntilReady()

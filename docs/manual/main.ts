/**
 * main - writes the manual pages into dist/man. `npm run man` runs it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { allPages } from './pages.ts'

const folder = resolve(import.meta.dirname, '../../dist/man')
// https://reproducible-builds.org/specs/source-date-epoch/
const epoch = process.env['SOURCE_DATE_EPOCH']
const day = epoch ? new Date(Number(epoch) * 1000) : new Date()

mkdirSync(folder, { recursive: true })
for (const [file, source] of await allPages(day.toISOString().slice(0, 10)))
  writeFileSync(resolve(folder, file), source)

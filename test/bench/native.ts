/**
 * native - the small C programs of the bench, compiled where they are needed.
 *
 * What has to be cheaper than Node can be: the receiver, the baseline of a durable write, the
 * filling of a spool. Where there is no compiler their callers do it in Node, and say so.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { folder } from './ground.ts'

export type Native = 'receiver' | 'durable' | 'fill'

const compiled = new Map<Native, string | undefined>()

/** The path of a program; undefined where it cannot be compiled. */
export function native(name: Native): string | undefined {
  if (!compiled.has(name)) compiled.set(name, compile(name))
  return compiled.get(name)
}

function compile(name: Native): string | undefined {
  const target = join(folder(), 'bin', name)
  mkdirSync(join(folder(), 'bin'), { recursive: true })
  const source = resolve('test/bench/native', `${name}.c`)
  const words = ['-O2', '-pthread', '-o', target, source]
  const { status, error, stderr } = spawnSync('cc', words, { encoding: 'utf8' })
  if (status === 0) return target
  if (error === undefined) throw new Error(`cc ${source}: ${stderr}`)
  return undefined
}

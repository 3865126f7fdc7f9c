/**
 * show - one message: what is the matter with it, what to do, and its whole story.
 *
 * --body and --raw put bytes on stdout as they are stored; only --raw, and --batch, which is to
 * be sent again, show what a sender put into a URL or a header unmasked.
 */
import { Option } from 'commander'

import { MsgqError } from '../base/errors.ts'
import type { Config } from '../config/config.ts'
import type { Flags } from '../config/find.ts'
import { destinationOf } from '../config/limits.ts'
import type { Envelope } from '../message/envelope.ts'
import { shortId } from '../message/id.ts'
import { shownHeader, shownTo } from '../message/mask.ts'
import type { Desk, Message } from '../queue/queue.ts'
import { lookAround } from './around.ts'
import { chunksOf, writeBytes } from './bytes.ts'
import type { Define, Io } from './command.ts'
import { diagnose } from './diagnosis.ts'
import { siblingsOf } from './family.ts'
import { absentError } from './ids.ts'
import { waitsFor } from './in-order.ts'
import { jsonLine } from './json.ts'
import { provenBody } from './proven-body.ts'
import { openReading, reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { showPage } from './show-page.ts'
import { findStory, repeatText } from './story.ts'
import type { Story } from './story.ts'
import { present, summaryOf } from './summary.ts'

interface Options {
  readonly body?: boolean
  readonly raw?: boolean
  readonly curl?: boolean
  readonly batch?: boolean
  readonly json?: boolean
}

/** `msgq show`. */
export const define: Define = (command, begin) => {
  command
    .argument('<ID>', 'its id, or the last 6 or more of it')
    .addOption(
      new Option('--body', 'print its body, as it is').conflicts([
        'raw',
        'curl',
        'batch',
        'json',
      ]),
    )
    .addOption(
      new Option('--raw', 'print its file, as it is stored').conflicts([
        'curl',
        'batch',
        'json',
      ]),
    )
    .addOption(
      new Option('--curl', 'print its request as a curl command').conflicts([
        'batch',
        'json',
      ]),
    )
    .addOption(
      new Option('--batch', 'print the line that send --batch takes').conflicts('json'),
    )
    .option('--json', 'print JSON')
    .action((word: string, options: Options) =>
      begin((io, flags) => run(io, flags, word, options)),
    )
}

async function run(io: Io, flags: Flags, word: string, options: Options): Promise<number> {
  const { desk, spool } = await openReading(io, flags)
  const story = await storyOf(word, desk, io)
  const { id } = story
  if (!story.isThere) return showPast(io, desk, story, options)
  if (options.raw) return printRaw(io, desk, id)
  const message = await reading(id, () => desk.get(id))
  // Gone since it was found: then the journal tells.
  if (message === undefined) return showPast(io, desk, await storyOf(id, desk, io), options)
  if (options.body) return printBody(io, desk, message)
  if (options.batch) return printBatch(io, desk, message)
  if (options.curl) {
    const { printCurl } = await import('./show-curl.ts')
    return printCurl(io, flags, desk, message)
  }
  const there = await lookAround(io, flags, { spool, desk })
  const firsts = await waitsFor(desk, [message.entry], there.ordered!)
  const around = { ...there, waitsFor: firsts }
  const diagnosis = diagnose(message, around)
  const siblings = await siblingsOf(id, message.envelope?.parent, desk)
  if (options.json) {
    const { envelope, trail, entry } = message
    const told = { envelope: masked(envelope), trail }
    const { what, next, command } = diagnosis
    const others = siblings.size === 0 ? {} : { siblings: [...siblings.keys()] }
    const said = { ...others, diagnosis: what, next, command }
    await io.print(
      jsonLine(present({ ...summaryOf(entry, message, firsts.get(id)), ...told, ...said })),
    )
    return 0
  }
  const config = await configHere(io, flags)
  const { to } = message.envelope ?? {}
  const destination =
    config === undefined || to === undefined ? undefined : destinationOf(config, to)
  await io.print(
    showPage(message, {
      diagnosis,
      around,
      destination,
      siblings,
      screen: screenOf(io),
    }),
  )
  return 0
}

/** The message that a word means; for a repeat that was dropped by its key the first one. */
async function storyOf(word: string, desk: Desk, io: Io): Promise<Story> {
  const story = await findStory(word, desk)
  const { repeatOf } = story
  if (repeatOf === undefined) return story
  const note = repeatText(story)
  try {
    const first = await findStory(repeatOf, desk)
    io.warn(`show: ${note}; this is the first one`)
    return first
  } catch (error) {
    if (!(error instanceof MsgqError) || error.code !== 'no-input') throw error
    throw new MsgqError('no-input', note, 'the first one is not in the queue any more')
  }
}

/** A message that is gone: what the journal tells. */
async function showPast(
  io: Io,
  desk: Desk,
  story: Story,
  options: Options,
): Promise<number> {
  const { endText, pastJson, pastPage } = await import('./past-page.ts')
  const now = io.clock.now()
  if (options.body || options.raw || options.curl || options.batch)
    throw new MsgqError(
      'no-input',
      `${story.id}: ${endText(story, now)}`,
      `its file is gone; msgq log ${shortId(story.id)} tells what happened`,
    )
  const parent = story.lines.find((line) => line.parent !== undefined)?.parent
  const siblings = await siblingsOf(story.id, parent, desk)
  if (options.json) await io.print(jsonLine(pastJson(story, siblings)))
  else await io.print(pastPage(story, siblings, now, screenOf(io)))
  return 0
}

async function printRaw(io: Io, desk: Desk, id: string): Promise<number> {
  const stream = await reading(id, () => desk.raw(id))
  if (stream === undefined) throw absentError([id])
  const chunks = stream as AsyncIterable<Uint8Array>
  await reading(id, () => writeBytes(io, chunks, `msgq show ${shortId(id)} --raw`))
  return 0
}

async function printBody(io: Io, desk: Desk, message: Message): Promise<number> {
  const { id } = message.entry
  const body = await provenBody(desk, message)
  const command = `msgq show ${shortId(id)} --body`
  await reading(id, () => writeBytes(io, chunksOf(body), command))
  return 0
}

async function printBatch(io: Io, desk: Desk, message: Message): Promise<number> {
  const { entry, envelope, defect } = message
  if (envelope === undefined)
    throw new MsgqError('data', `${entry.id}: ${defect ?? 'has no envelope'}`)
  const { batchLine } = await import('./show-batch.ts')
  const chunks: Uint8Array[] = []
  for await (const chunk of chunksOf(await provenBody(desk, message))) chunks.push(chunk)
  await io.print(batchLine(envelope, Buffer.concat(chunks)))
  if (envelope.key !== undefined)
    io.warn("show: it has a key: sent again as it is it counts as a repeat; jq 'del(.key)'")
  return 0
}

/** The configuration, where there is one without faults. */
async function configHere(io: Io, flags: Flags): Promise<Config | undefined> {
  try {
    const { loadConfig } = await import('../config/load.ts')
    return loadConfig(io.environment, flags)
  } catch (error) {
    if (error instanceof MsgqError) return undefined
    throw error
  }
}

function masked(envelope: Envelope | undefined): object | undefined {
  if (envelope === undefined) return undefined
  const { to, headers } = envelope
  const shown =
    headers &&
    Object.entries(headers).map(([name, value]) => [name, shownHeader(name, value)])
  return {
    ...envelope,
    ...(to === undefined ? {} : { to: shownTo(to) }),
    ...(shown === undefined ? {} : { headers: Object.fromEntries(shown) }),
  }
}

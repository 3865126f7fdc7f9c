/**
 * route - shows where an event would go, and what each receiver would get. Sends nothing.
 *
 * By the configuration here, which the daemon may not have in force yet. Each route that is for
 * the event is judged; of two that lead to one destination the first counts. 1 where none takes
 * it, 65 where the event's own schema refuses it.
 */
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { loadConfig } from '../config/load.ts'
import type { Destination } from '../config/config.ts'
import { outputType } from '../config/routes.ts'
import { compiledSchema } from '../config/schema.ts'
import { rendering } from '../delivery/render.ts'
import { courseOf, unrouted } from '../delivery/routes.ts'
import { checkFit } from '../intake/fit.ts'
import { termsIn } from '../intake/terms.ts'
import { checkDraft } from '../message/draft.ts'
import { misfitOf } from '../message/misfit.ts'
import { readSource, sourceOf } from './body.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { asUsage } from './send-options.ts'
import { present } from './summary.ts'

interface Options {
  readonly event: string
  readonly data?: string
  readonly json?: boolean
}

const HELP = `
  msgq route --event user.created -d @event.json
  msgq route --event user.created -d '{"user":{"role":"admin"}}' --json

Exit: 0 a route takes it  1 none does: it bounces, or is dropped  65 its schema refuses it
78 configuration`

/** `msgq route`. */
export const define: Define = (command, begin) => {
  command
    .requiredOption('--event <name>', 'name of the event')
    .option('-d, --data <data>', 'its body: DATA, @FILE or @- (stdin); default: stdin')
    .option('--json', 'print JSON, one route or destination a line')
    .addHelpText('after', HELP)
    .action((options: Options) => begin((io, flags) => run(io, flags, options)))
}

/** Stands where the id will be. */
const ID = '(the id)'

async function run(io: Io, flags: Flags, options: Options): Promise<number> {
  const { event, data = '@-', json = false } = options
  asUsage(() => checkDraft({ event }))
  const config = loadConfig(io.environment, flags)
  if (options.data === undefined && io.stdin.isTTY)
    throw new MsgqError('usage', 'no body', 'give it with -d, or pipe it in')
  const source = sourceOf('-d', data)
  const bytes = await readSource(source, io, config.send.messageSizeLimit)
  checkFit({ event }, bytes, termsIn(config))
  const text = bytes.toString()
  const course = courseOf(config.routes, event, () => text)
  const createdAt = new Date(io.clock.now()).toISOString()
  const lines: string[] = []
  for (const [to, route] of course.by) {
    const destination = config.destinations.get(to)!
    const { name, where, template } = route
    const made = taken(
      template === undefined
        ? { text }
        : rendering(template, text, { id: ID, event, createdAt }, destination),
      destination,
    )
    const contentType = template === undefined ? undefined : outputType(destination)
    const said = { to, route: name, where, contentType }
    if (json)
      lines.push(
        jsonLine(
          present(
            'why' in made ? { ...said, held: made.why } : { ...said, body: made.text },
          ),
        ),
      )
    else {
      const type = contentType === undefined ? '' : `, as ${contentType}`
      const first = `${to}  by ${name} (${where})${type}`
      const body = 'why' in made ? `held: ${made.why}` : made.text
      lines.push(`${printable(first, 500)}\n${indented(body)}`)
    }
  }
  for (const { route, takes, why } of course.judgements) {
    const { name, where, to } = route
    if (takes && to.length > 0) continue
    if (json) lines.push(jsonLine({ route: name, where, takes, why }))
    else if (takes) lines.push(`${printable(`nowhere  by ${name} (${where})`, 500)}\n`)
    else lines.push(`${printable(`not by ${name} (${where}): ${why}`, 500)}\n`)
  }
  const reason = unrouted(event, course)
  if (reason !== undefined) {
    const end = config.events.unrouted === 'drop' ? 'dropped' : 'bounces'
    if (json) lines.push(jsonLine({ unrouted: config.events.unrouted, reason }))
    else lines.push(`${end}: ${printable(reason, 500)}\n`)
  }
  await io.print(lines.join(''))
  return reason === undefined ? 0 : 1
}

type Made = ReturnType<typeof rendering>

/** What goes out, where the destination's schema takes it. */
function taken(made: Made, { schema }: Destination): Made {
  if ('why' in made || schema === undefined) return made
  const misfit = misfitOf(compiledSchema(schema), Buffer.from(made.text))
  return misfit === undefined
    ? made
    : { why: `the schema refuses ${made.text}: ${misfit.why}` }
}

/** A body as a person may see it, a little to the right. */
function indented(body: string): string {
  return body
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${printable(line, 2_000)}\n`)
    .join('')
}

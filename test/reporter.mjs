/**
 * reporter - what `npm test` prints: a line a test file, every failure whole, one closing line.
 *
 * tap's own reporters either redraw the screen, which a log file keeps as rubbish, or print
 * each assertion that passed; and none closes on the `N passed, N failed` that a person or a
 * program can look for. This one reads tap's raw stream, so it depends on no terminal. It
 * never decides the exit code: tap does. In trouble (a file that dies before its first
 * assertion, times out, bails out, or breaks its plan) it counts one failure and prints all
 * that tap knows; what the file wrote to stderr is on the terminal already.
 */
import { Transform } from 'node:stream'
import { inspect, styleText } from 'node:util'
import { Parser } from 'tap-parser'

/** Comments that tap makes itself; everything else was written by a test, to be read. */
const TAPS_OWN =
  /^(Subtest: |time=|\{ total: |failed \d+ of \d+ tests|No coverage generated)/

/** Facts about an assertion that stand in its heading, or are of no use to a reader. */
const DULL = new Set([
  'at',
  'diff',
  'source',
  'stack',
  'stdio',
  'cwd',
  'externalID',
  'args',
  'jobId',
])

const colourful = process.stdout.isTTY && !process.env['NO_COLOR']
const paint = (colour, text) => (colourful ? styleText(colour, text) : text)
const indent = (text) => text.trimEnd().replaceAll(/^(?=.)/gm, '    ')

/** All that is known about a failure, most telling first. */
function describe({ tapError, diag, ...rest }) {
  const { diff, stack, source, at, ...facts } = diag ?? (tapError ? rest : {})
  const lines = [tapError, diff]
  for (const [name, value] of Object.entries(facts))
    if (!DULL.has(name)) lines.push(`${name}: ${inspect(value, { depth: 6 })}`)
  // A file that ran out of time tells tap's stream nothing of how far it came.
  if (facts.expired) lines.push(`see .tap/test-results/${facts.expired}.tap`)
  lines.push(stack ?? (at?.fileName && `${at.fileName}:${at.lineNumber}`), source)
  return lines.flatMap((line) => (line ? [indent(String(line)) + '\n'] : [])).join('')
}

/** Counts a test and what lies below it while it is parsed; `say` gets what to print. */
function watch(parser, path, say, onResult) {
  const sum = { passed: 0, failed: 0, skipped: 0, errors: '' }
  let below
  parser.on('child', (child) => {
    below = watch(child, [...path, child.name], say)
  })
  parser.on('assert', (result) => {
    const inner = below
    below = undefined
    for (const kind of inner ? ['passed', 'failed', 'skipped'] : [])
      sum[kind] += inner[kind]
    const name = [...path, result.name].join(' > ')
    const why = result.skip || result.todo
    if (why) sum.skipped++
    else if (!result.ok && !inner?.failed) sum.failed++
    else if (!inner) sum.passed++

    if (onResult) onResult(result, inner)
    else if (why) say(`skip ${name}${why === true ? '' : `: ${why}`}\n`)
    else if (!result.ok && !inner?.failed) say(`${paint('red', 'not ok')} ${name}\n`)
    if (!result.ok && !why && !inner?.failed) say((inner?.errors ?? '') + describe(result))
  })
  parser.on('comment', (line) => {
    const comment = line.trim().replace(/^#\s*/, '')
    if (!TAPS_OWN.test(comment)) say(`# ${comment}\n`)
  })
  parser.on('extra', (text) => text.trim() && say(indent(text) + '\n'))
  parser.on('complete', ({ failures }) => {
    sum.errors = failures
      .filter((it) => !('fullname' in it))
      .map(describe)
      .join('')
  })
  return sum
}

/** A Transform because tap pipes its raw stream in, and what comes out to stdout. */
export default class Reporter extends Transform {
  #parser = new Parser()
  #sum = watch(
    this.#parser,
    [],
    (text) => this.push(text),
    (result, inner) => this.#file(result, inner),
  )

  /** Prints the line of a test file that has ended. */
  #file({ ok, name, time }, inner) {
    const label = ok ? paint('green', 'ok  ') : paint('red', 'FAIL')
    const failed = inner?.failed ? `, ${inner.failed} failed` : ''
    const seconds = ((time ?? 0) / 1000).toFixed(2)
    this.push(`${label} ${name}  ${inner?.passed ?? 0} passed${failed}  ${seconds}s\n`)
  }

  _transform(chunk, _encoding, done) {
    this.#parser.write(chunk)
    done()
  }

  _flush(done) {
    this.#parser.end()
    const { passed, failed, skipped, errors } = this.#sum
    const { ok, bailedOut } = this.#parser
    if (bailedOut) this.push(`${paint('red', 'FAIL')} bailed out: ${bailedOut}\n`)
    // Whatever tap calls a failure is one here too, even where no assertion failed.
    const lost = failed === 0 && (bailedOut || !ok) ? 1 : 0
    const rest = skipped > 0 ? `, ${skipped} skipped` : ''
    this.push(`${errors}\n${passed} passed, ${failed + lost} failed${rest}\n`)
    done()
  }
}

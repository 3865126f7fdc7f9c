/**
 * curl-options - options that people type because curl has them, each with what to do instead.
 *
 * None of them may be taken in silence: who writes -k or -u expects something to happen.
 */
import type { Command } from 'commander'

import { MsgqError } from '../base/errors.ts'

const ANSWER = 'the answer goes into the trail of the message: msgq show ID'
const RETRY = 'msgqd tries again by itself: [retry] in msgq.toml; --expires ends it'
const TLS =
  'msgqd always verifies the receiver; tls = { ca = { file = "ca.pem" } } of a destination says by which authority'
const CERT =
  'tls = { cert = { file = "c.pem" }, key = { file = "k.pem" } } of a destination in msgq.toml'
const TIMEOUT = 'msgqd waits for the receiver and not you: [http] in msgq.toml'
const FORM = `-H 'content-type: application/x-www-form-urlencoded' -d 'a=1&b=2'`

const HINTS: readonly (readonly [flags: string, hint: string])[] = [
  ['-f, --fail', 'an answer that is no success is tried again or bounces: msgq show ID'],
  ['--fail-with-body', ANSWER],
  ['-S, --show-error', 'errors are always shown; -q leaves out the id'],
  ['--silent', 'there is no progress to hide; -q leaves out the id'],
  ['-k, --insecure', TLS],
  ['--cacert [file]', TLS],
  ['--cert [file]', CERT],
  ['-L, --location', 'a redirect is never followed: send to the URL that it leads to'],
  ['-o, --output [file]', ANSWER],
  ['-O, --remote-name', ANSWER],
  ['-i, --include', ANSWER],
  ['-w, --write-out [format]', ANSWER],
  ['-D, --dump-header [file]', ANSWER],
  ['-I, --head', 'write -X HEAD'],
  ['-m, --max-time [seconds]', TIMEOUT],
  ['--connect-timeout [seconds]', TIMEOUT],
  ['--retry [times]', RETRY],
  ['--retry-delay [seconds]', RETRY],
  ['--retry-max-time [seconds]', RETRY],
  ['--retry-all-errors', RETRY],
  ['--retry-connrefused', RETRY],
  ['-u, --user [user]', 'auth of a destination in msgq.toml keeps it out of the spool'],
  [
    '--oauth2-bearer [token]',
    'auth of a destination in msgq.toml keeps it out of the spool',
  ],
  ['--form-string [part]', 'write -F NAME=TEXT'],
  ['--data-urlencode [data]', `encode it yourself; a plain form is ${FORM}`],
  ['--data-raw [data]', 'TEXT is taken as it is, with any @: msgq send TO TEXT'],
  ['--data-ascii [data]', '-d takes the bytes as they are'],
  ['-G, --get', 'write the query into the URL, and -X GET'],
  ['-T, --upload-file [file]', 'write -X PUT -d @FILE'],
  ['-A, --user-agent [name]', `write -H 'user-agent: NAME'`],
  ['-b, --cookie [cookies]', `write -H 'cookie: NAME=VALUE'`],
  ['-e, --referer [url]', `write -H 'referer: URL'`],
  [
    '-x, --proxy [url]',
    'proxy of a destination in msgq.toml, else https_proxy and no_proxy of msgqd',
  ],
  ['--compressed', 'answers are not kept beyond 2 KiB'],
  ['--url [url]', 'the URL stands first: msgq send URL'],
]

/** Makes a command refuse the options of curl, each with its own hint. */
export function refuseCurlOptions(command: Command): void {
  for (const [flags, hint] of HINTS) {
    const option = command.createOption(flags).hideHelp()
    const shown = [option.short, option.long].filter(Boolean).join(', ')
    command.addOption(option)
    command.on(`option:${option.name()}`, () => {
      throw new MsgqError('usage', `${shown}: is an option of curl`, hint)
    })
  }
}

/** Throws for `-sS` and the like, which would be the subject "S". */
export function refuseSilence(command: Command, subject: string | undefined): void {
  if (subject === undefined || !/^[SfkL]+$/.test(subject)) return
  const words = command.parent?.args ?? []
  const end = words.includes('--') ? words.indexOf('--') : words.length
  if (!words.slice(0, end).includes(`-s${subject}`)) return
  throw new MsgqError(
    'usage',
    `-s${subject}: looks like curl's, and -s is the subject here`,
    `leave it out, there is no progress to hide; a subject is -s ${subject}`,
  )
}

/**
 * commands - all there are, in the order of the help. Each is loaded only when it is called.
 */
import type { Define } from './command.ts'

export interface Listed {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  readonly load: () => Promise<{ define: Define }>
}

export const COMMANDS: readonly Listed[] = [
  {
    name: 'send',
    summary: 'queue a message; returns once it is on disk',
    load: () => import('./send.ts'),
  },
  {
    name: 'route',
    summary: 'show where an event would go, and what is made of it',
    load: () => import('./route.ts'),
  },
  {
    name: 'mailq',
    alias: 'list',
    summary: 'list what waits, and why',
    load: () => import('./mailq.ts'),
  },
  {
    name: 'show',
    summary: 'one message: envelope, attempts, what comes next',
    load: () => import('./show.ts'),
  },
  {
    name: 'log',
    summary: 'what happened: the delivery journal',
    load: () => import('./log.ts'),
  },
  {
    name: 'flush',
    summary: 'try deferred messages now',
    load: () => import('./flush.ts'),
  },
  {
    name: 'hold',
    summary: 'stop messages until they are released',
    load: () => import('./hold.ts'),
  },
  {
    name: 'release',
    summary: 'let held messages go',
    load: () => import('./release.ts'),
  },
  {
    name: 'requeue',
    summary: 'begin anew with bounced messages',
    load: () => import('./requeue.ts'),
  },
  {
    name: 'delete',
    summary: 'remove messages for good',
    load: () => import('./delete.ts'),
  },
  {
    name: 'expire',
    summary: 'give messages up: they go to bounce',
    load: () => import('./expire.ts'),
  },
  {
    name: 'suspend',
    summary: 'stop a lane: what is for it waits',
    load: () => import('./suspend.ts'),
  },
  {
    name: 'resume',
    summary: 'let a suspended lane go on',
    load: () => import('./resume.ts'),
  },
  {
    name: 'status',
    summary: 'the daemon, its lanes, the queue, the disk',
    load: () => import('./status.ts'),
  },
  {
    name: 'watch',
    summary: 'the same, live on a terminal',
    load: () => import('./watch.ts'),
  },
  {
    name: 'qshape',
    summary: 'how old what waits is, by destination',
    load: () => import('./qshape.ts'),
  },
  {
    name: 'check',
    summary: 'find what is wrong with configuration and spool',
    load: () => import('./check.ts'),
  },
  {
    name: 'backup',
    summary: 'copy the spool while it is served',
    load: () => import('./backup.ts'),
  },
  {
    name: 'config',
    summary: 'what is in force, and where it was said',
    load: () => import('./config.ts'),
  },
  {
    name: 'reload',
    summary: 'have the daemon read its configuration again',
    load: () => import('./reload.ts'),
  },
  {
    name: 'token',
    summary: 'who may come in over HTTP',
    load: () => import('./token.ts'),
  },
  {
    name: 'wrap',
    summary: 'run a command and report how it ended',
    load: () => import('./wrap.ts'),
  },
  {
    name: 'sendmail',
    summary: 'take what cron and others hand to sendmail',
    load: () => import('./sendmail.ts'),
  },
  {
    name: 'sink',
    summary: 'a receiver for trying things out',
    load: () => import('./sink.ts'),
  },
  {
    name: 'demo',
    summary: 'watch messages go out, fail, retry and bounce',
    load: () => import('./demo.ts'),
  },
  {
    name: 'completion',
    summary: 'complete command lines in bash, zsh or fish',
    load: () => import('./completion.ts'),
  },
]

/** Commands for programs, which no help lists. */
export const HIDDEN: readonly Listed[] = [
  {
    name: 'complete',
    summary: 'what may stand at the end of a line that is being typed',
    load: () => import('./complete.ts'),
  },
]

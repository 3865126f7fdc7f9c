/**
 * skew - loaded before the program under test: keeps the calls of its threads apart.
 *
 * strace counts the calls of each thread for itself, and strikes the n-th of every thread. So
 * the thread that is meant first makes some calls of that kind which fail and touch nothing:
 * its numbers then lie beyond those that the other ever reaches.
 * MSGQ_SKEW says which thread, which call, and how often: `pool rename 500`.
 *
 * Event loops use write(2) too, and never twice in the same number. So what the program writes
 * by it goes out by writev(2) instead, which does the same to a file.
 */
'use strict'
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

/** A descriptor that is not open. */
const CLOSED = 100_000
const BYTE = Buffer.alloc(1)

const MAIN = {
  open: () => fs.openSync(''),
  write: () => fs.writeSync(CLOSED, BYTE),
  pwrite64: () => fs.writeSync(CLOSED, BYTE, 0, 1, 0),
  writev: () => fs.writevSync(CLOSED, [BYTE, BYTE]),
  statx: () => fs.statSync(''),
  access: () => fs.accessSync(''),
  statfs: () => fs.statfsSync(''),
  read: () => fs.readSync(CLOSED, BYTE),
  pread64: () => fs.readSync(CLOSED, BYTE, 0, 1, 0),
  fsync: () => fs.fsyncSync(CLOSED),
  ftruncate: () => fs.ftruncateSync(CLOSED),
  fchmod: () => fs.fchmodSync(CLOSED, 0),
  chmod: () => fs.chmodSync('', 0),
  rename: () => fs.renameSync('', ''),
  unlink: () => fs.unlinkSync(''),
  mkdir: () => fs.mkdirSync(''),
  rmdir: () => fs.rmdirSync(''),
  utimensat: () => fs.utimesSync('', 0, 0),
}

/** One thread takes them in this order, and what the program asks of it comes behind them. */
const POOL = {
  open: (done) => fs.open('', done),
  write: (done) => fs.write(CLOSED, BYTE, done),
  pwrite64: (done) => fs.write(CLOSED, BYTE, 0, 1, 0, done),
  writev: (done) => fs.writev(CLOSED, [BYTE, BYTE], done),
  statx: (done) => fs.stat('', done),
  access: (done) => fs.access('', done),
  statfs: (done) => fs.statfs('', done),
  read: (done) => fs.read(CLOSED, BYTE, done),
  pread64: (done) => fs.read(CLOSED, BYTE, 0, 1, 0, done),
  fsync: (done) => fs.fsync(CLOSED, done),
  ftruncate: (done) => fs.ftruncate(CLOSED, done),
  fchmod: (done) => fs.fchmod(CLOSED, 0, done),
  chmod: (done) => fs.chmod('', 0, done),
  rename: (done) => fs.rename('', '', done),
  unlink: (done) => fs.unlink('', done),
  mkdir: (done) => fs.mkdir('', done),
  rmdir: (done) => fs.rmdir('', done),
  utimensat: (done) => fs.utimes('', 0, 0, done),
}

const { stackTraceLimit } = Error
Error.stackTraceLimit = 0
for (const skew of (process.env.MSGQ_SKEW ?? '').split(';').filter(Boolean)) {
  const [thread, name, times] = skew.split(' ')
  const call = (thread === 'pool' ? POOL : MAIN)[name]
  for (let n = 0; n < Number(times); n++)
    try {
      call(() => {})
    } catch {
      // As it is meant to.
    }
}
Error.stackTraceLimit = stackTraceLimit

const { writeSync, writev } = fs
fs.writeSync = (fd, data, ...rest) => {
  if (rest.some((it) => it !== undefined)) return writeSync(fd, data, ...rest)
  const bytes = Buffer.from(data)
  return fs.writevSync(fd, [bytes.subarray(0, 1), bytes.subarray(1)])
}
fs.writev = (fd, parts, ...rest) => {
  // libuv makes a write(2) of one part.
  const [only] = parts
  const split = [only.subarray(0, 1), only.subarray(1)]
  return writev(fd, parts.length === 1 ? split : parts, ...rest)
}
syncBuiltinESMExports()

/**
 * one-off - the digest and the random bytes of one message, without node:crypto.
 *
 * To load node:crypto takes longer than all else that one `msgq send` does beside its syncs. A
 * small body is hashed by @noble/hashes, a large one by node:crypto after all, which is then
 * the faster way. Whoever sends many messages (batch.ts, a daemon, a library) uses node:crypto.
 */
import { closeSync, openSync, readSync } from 'node:fs'

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

import { sha256 } from '../message/envelope.ts'

/** Bytes of body up to which loading node:crypto takes longer. */
const SMALL = 64 * 1024

/** The SHA-256 of a body, in hex. */
export function digestOnce(body: Uint8Array): string {
  if (body.length > SMALL) return sha256(body)
  return Buffer.from(nobleSha256(body)).toString('hex')
}

/** Fills a buffer with what the kernel has for random. */
export function randomOnce(bytes: Uint8Array): Uint8Array {
  const fd = openSync('/dev/urandom', 'r')
  try {
    for (let at = 0; at < bytes.length;)
      at += readSync(fd, bytes, at, bytes.length - at, null)
    return bytes
  } finally {
    closeSync(fd)
  }
}

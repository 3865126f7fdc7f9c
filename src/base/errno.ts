/**
 * errno - narrows an unknown exception to what the system said.
 */

/** The system's code (`ENOENT`), or undefined for anything that is no system error. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** True when something is not there: somebody moved or removed it first. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT'
}

const PLAIN: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'read-only file system',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in the system',
  EIO: 'input/output error',
  ELOOP: 'is a symbolic link',
  EFBIG: 'file too large',
  ECONNREFUSED: 'connection refused',
}

/** What happened in strerror(3)'s words, for a line that a person reads. */
export function plainError(error: unknown): string {
  const code = errnoOf(error)
  if (code !== undefined && Object.hasOwn(PLAIN, code)) return PLAIN[code] as string
  if (error instanceof Error) return error.message
  // Not every object can be made a text: some have no toString.
  return typeof error === 'object' ? 'unknown error' : String(error)
}

/**
 * size-text - an amount of bytes in a sentence: `540 B`, `2.1 KiB`.
 */
import { briefSize } from '../base/size.ts'

/** Bytes with their unit. */
export function sizeText(bytes: number): string {
  const brief = briefSize(bytes)
  return /[KMGT]$/.test(brief) ? `${brief.slice(0, -1)} ${brief.slice(-1)}iB` : `${brief} B`
}

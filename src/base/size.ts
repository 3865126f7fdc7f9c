/**
 * size - amounts of bytes as people write them ("10MiB", "500k"), in bytes.
 *
 * k, M and G alone are powers of 1024, as in Postfix and dd; kB, MB and GB are powers of 1000.
 */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 1024,
  KIB: 1024,
  KB: 1000,
  M: 1024 ** 2,
  MIB: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GIB: 1024 ** 3,
  GB: 1000 ** 3,
}

/** Bytes of "10MiB", "500k" or "4096"; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text)
  const unit = UNITS[(match?.[2] ?? '?').toUpperCase()]
  if (match === null || unit === undefined) return undefined
  const bytes = Math.round(Number(match[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Bytes in at most five characters for a column: "540", "1.2K", "88K", "4.1M". */
export function briefSize(bytes: number): string {
  if (bytes < 1024) return String(bytes)
  let value = bytes
  for (const unit of ['K', 'M', 'G', 'T']) {
    value /= 1024
    if (value < 10) return `${value.toFixed(1)}${unit}`
    if (value < 1000 || unit === 'T') return `${Math.round(value)}${unit}`
  }
  return String(bytes)
}

/**
 * pieces - the names in a folder, so many at a time, the next of them being read meanwhile.
 *
 * A folder of a million names takes the kernel as long as it takes us to look at them; the one
 * does not wait for the other. No more than two pieces are in memory.
 */
import type { Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'

/** Yields the names of a folder in pieces, in no order; throws what the system says of it. */
export async function* namesInPieces(
  folder: string,
  size: number,
): AsyncGenerator<readonly string[]> {
  const dir = await opendir(folder, { bufferSize: size })
  const ahead = () => {
    const first = dir.read()
    // Whoever asks for the next piece hears of it; nobody may.
    first.catch(() => {})
    return first
  }
  try {
    for (let first = await ahead(); first !== null;) {
      const names = [first.name]
      // What the pool has brought is there at once, which costs half of asking for each.
      let next: Dirent | null = first
      while (names.length < size && (next = dir.readSync()) !== null) names.push(next.name)
      const reading = next === null ? null : ahead()
      yield names
      first = await reading
    }
  } finally {
    await dir.close()
  }
}

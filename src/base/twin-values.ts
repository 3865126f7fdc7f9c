/**
 * twin-values - whether two elements of a list are the same JSON value. In the time that the
 * list takes, however many elements there are.
 */

/** True when two elements are equal, whatever the order of their members. */
export function hasTwins(list: readonly unknown[]): boolean {
  const seen = new Set<unknown>()
  for (const each of list) {
    // A text of its own stands for what is deep; no plain text begins like it.
    const isPlain = typeof each !== 'object' || each === null
    seen.add(isPlain ? (typeof each === 'string' ? `"${each}` : each) : sorted(each))
  }
  return seen.size < list.length
}

function sorted(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            // Numbers come first in any object: a sign before them keeps the order that is given.
            .map(([name, each]) => [`.${name}`, each] as const)
            .toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : inner,
  )
}

/**
 * scrape - reads the text format of Prometheus (0.0.4), and takes nothing that is not to the
 * letter: what `promtool check metrics` says is wrong is wrong here.
 */
export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = '[a-z_][a-z0-9_]*'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = new RegExp(`^(${NAME})="((?:[^"\\\\\\n]|\\\\["\\\\n])*)"(?:,|$)`)
const NUMBER = /^(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|[-+]Inf|NaN)$/

/** The families of a scrape by name; throws for the first line that is wrong. */
export function parseScrape(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, Family & { samples: Sample[] }>()
  const seen = new Set<string>()
  let help: readonly [name: string, text: string] | undefined
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const said = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (said?.[1] === 'HELP') {
      help = [said[2]!, said[3]!]
    } else if (said !== null) {
      current = said[2]!
      if (help?.[0] !== current) throw new Error(`no help before: ${line}`)
      if (families.has(current)) throw new Error(`twice: ${line}`)
      if (!/^(counter|gauge|histogram)$/.test(said[3]!)) throw new Error(line)
      if ((said[3] === 'counter') !== current.endsWith('_total'))
        throw new Error(`_total is for counters, and for each: ${line}`)
      families.set(current, { type: said[3]!, help: help[1], samples: [] })
    } else {
      const sample = sampleOf(line)
      const family = families.get(current)
      const suffix = sample.name.slice(current.length)
      const suffixes = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      if (!sample.name.startsWith(current) || !suffixes.includes(suffix))
        throw new Error(`not of ${current}: ${line}`)
      const series = line.slice(0, line.lastIndexOf(' '))
      if (seen.has(series)) throw new Error(`twice: ${line}`)
      seen.add(series)
      family!.samples.push(sample)
    }
  }
  for (const [name, family] of families)
    if (family.type === 'histogram') checkHistogram(name, family.samples)
  return families
}

function sampleOf(line: string): Sample {
  const [, name = '', set = '', number = ''] = SAMPLE.exec(line) ?? []
  if (name === '' || !NUMBER.test(number)) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = set; rest !== '';) {
    const found = LABEL.exec(rest)
    if (found === null || (found[1] ?? '') in labels) throw new Error(`no labels: ${line}`)
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (_, c: string) =>
      c === 'n' ? '\n' : c,
    )
    rest = rest.slice(found[0].length)
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) }
}

/** Each set of labels: buckets that grow, the last of all, equal to the count; and a sum. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const sets = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    sets.set(key, [...(sets.get(key) ?? []), sample])
  }
  for (const [key, set] of sets) {
    const buckets = set.filter((sample) => sample.name.endsWith('_bucket'))
    const [sum, count] = ['_sum', '_count'].map((end) =>
      set.find((sample) => sample.name === `${name}${end}`),
    )
    const bounds = buckets.map(({ labels }) =>
      Number(labels['le']!.replace('+Inf', 'Infinity')),
    )
    const rising = (numbers: readonly number[], least: number) =>
      numbers.every((n, at) => at === 0 || n - numbers[at - 1]! >= least)
    const isWhole =
      sum !== undefined &&
      count !== undefined &&
      bounds.at(-1) === Infinity &&
      buckets.at(-1)!.value === count.value &&
      rising(bounds.slice(0, -1), Number.MIN_VALUE) &&
      rising(
        buckets.map(({ value }) => value),
        0,
      )
    if (!isWhole) throw new Error(`${name}${key} is no histogram`)
  }
}

/** The value of the one sample with these labels, and perhaps others; undefined: none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family =
    families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  const found = family?.samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )
  if (found !== undefined && found.length > 1) throw new Error(`${name}: more than one`)
  return found?.[0]?.value
}

/**
 * exposition - measurements as text that Prometheus reads (format 0.0.4).
 *
 * Ours and not prom-client's: docs/decisions/0043-metrics.md. A family is begun once and all of
 * its samples follow it, as the format wants; what `shows` does not want is left out.
 */
import type { Histogram } from './histogram.ts'

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = Readonly<Record<string, string>>

export class Exposition {
  readonly #shows: (labels: Labels) => boolean
  readonly #lines: string[] = []
  #name = ''

  constructor(shows: (labels: Labels) => boolean = () => true) {
    this.#shows = shows
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  /** Begins a family; its samples come next. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): this {
    this.#name = name
    const line = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
    this.#lines.push(`# HELP ${name} ${line}`, `# TYPE ${name} ${type}`)
    return this
  }

  sample(value: number, labels: Labels = {}): this {
    return this.#add('', value, labels)
  }

  histogram(histogram: Histogram, labels: Labels = {}): this {
    const seen = histogram.cumulative()
    for (const [at, count] of seen.entries())
      this.#add('_bucket', count, { ...labels, le: valueText(histogram.bounds[at]) })
    this.#add('_sum', histogram.sum, labels)
    return this.#add('_count', seen.at(-1) ?? 0, labels)
  }

  #add(suffix: string, value: number, labels: Labels): this {
    if (!this.#shows(labels)) return this
    const pairs = Object.entries(labels).map(([name, text]) => `${name}="${escape(text)}"`)
    const set = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
    this.#lines.push(`${this.#name}${suffix}${set} ${valueText(value)}`)
    return this
  }
}

function valueText(value = Infinity): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

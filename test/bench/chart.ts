/**
 * chart - draws what was kept of the bench as one SVG: msgq beside its peers, and what a message
 * costs while ever more of them wait.
 *
 * A pure function of the kept results, so that the drawing can be compared with them. Readable on
 * light and on dark; its description says in words what it shows.
 */
import type { Results } from './kept.ts'

interface Bar {
  readonly label: string
  readonly value: number
  /** What stands behind the bar. */
  readonly note: string
  readonly ours: boolean
}

interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

const WIDTH = 800
const LABELS = 240
const BARS = 300
const ROW = 26
const TITLE = 30
const GAP = 18

/** The drawing; throws when nothing was kept. */
export function chart(results: Results): string {
  const panels = [...peerPanels(results), ...scalePanels(results)]
  if (panels.length === 0) throw new Error('nothing was kept: npm run bench -- --keep')
  let y = 8
  const drawn = panels.map((panel) => {
    const at = y
    y += TITLE + panel.bars.length * ROW + GAP
    return draw(panel, at)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y - GAP + 8}" role="img" aria-labelledby="title about">
<title id="title">How fast msgq is</title>
<desc id="about">${escaped(panels.map(inWords).join(' '))}</desc>
<style>
text { font: 14px system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.note { fill: #59636e }
.ours { fill: #1a7f37 }
.theirs { fill: #b6bec7 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .note { fill: #9198a1 }
  .ours { fill: #3fb950 }
  .theirs { fill: #59636e }
}
</style>
${drawn.join('\n')}
</svg>
`
}

function peerPanels({ peers }: Results): Panel[] {
  const [first] = peers
  if (first === undefined) return []
  const barsOf = (pick: (one: (typeof peers)[number]) => number, more = false) =>
    peers.map((one) => ({
      label: one.name,
      value: pick(one),
      note:
        thousands(pick(one)) +
        (more && one.cpu !== undefined ? ` (${thousands(one.cpu)} µs of CPU each)` : ''),
      ours: one.name === 'msgq',
    }))
  const what = `${thousands(first.count)} messages of 1 KiB`
  return [
    {
      title: `Delivered a second: ${what}, 50 in flight`,
      bars: barsOf((one) => one.deliver, true),
    },
    {
      title: 'Enqueued a second, each durable: 32 at once',
      bars: barsOf((one) => one.enqueueMany),
    },
    {
      title: 'Enqueued a second, each durable: one after the other',
      bars: barsOf((one) => one.enqueueOne),
    },
  ]
}

/** What a message costs, by how many others wait. */
function scalePanels({ bench }: Results): Panel[] {
  const costs = bench.find(({ name }) => name.startsWith('CPU of a message with'))?.more
  if (costs === undefined) return []
  const bars = Object.entries(costs).map(([waiting, cost]) => ({
    label: `${thousands(Number(waiting))} others wait`,
    value: cost,
    note: `${thousands(cost)} µs`,
    ours: true,
  }))
  return [{ title: 'CPU of one message in msgq', bars }]
}

function draw({ title, bars }: Panel, top: number): string {
  const most = Math.max(...bars.map(({ value }) => value))
  const rows = bars.map(({ label, value, note, ours }, n) => {
    const y = top + TITLE + n * ROW
    const length = Math.max(1, Math.round((value / most) * BARS))
    const bar = `<rect class="${ours ? 'ours' : 'theirs'}" x="${LABELS}" y="${y}" width="${length}" height="${ROW - 8}" rx="3"/>`
    const name = `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`
    const words = `<text class="note" x="${LABELS + length + 8}" y="${y + 14}">${escaped(note)}</text>`
    return `${name}${bar}${words}`
  })
  return [
    `<text class="title" x="8" y="${top + 14}">${escaped(title)}</text>`,
    ...rows,
  ].join('\n')
}

function inWords({ title, bars }: Panel): string {
  return `${title}: ${bars.map(({ label, note }) => `${label} ${note}`).join('; ')}.`
}

/** 12345 as 12,345, whatever the machine's language. */
function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-GB')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

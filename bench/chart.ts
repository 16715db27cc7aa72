// A bar for each contestant and figure, as an SVG; a logarithmic scale, as the slowest takes a hundred times the fastest.

import { OURS } from './contestants/index.ts'
import type { Measure } from './measure.ts'
import { digits, type Series } from './report.ts'
import { median } from './stats.ts'

const WIDTH = 760
const LABELS = 330
const ROW = 18

export function chart(measures: readonly Measure[], all: readonly Series[]): string {
  const lines = measures.flatMap(({ name, title, unit }) => {
    const series = all.filter(({ measure, values }) => measure === name && values.length > 0)
    const scale = scaleOf(series.map(({ values }) => median(values)))
    const figures = Map.groupBy(series, ({ figure }) => figure)
    return [
      () => heading(`${title} (${unit})`),
      ...[...figures.values()].flatMap((of) => of.map((one) => () => bar(one, scale))),
    ]
  })
  const body = lines.map((line, i) => `<g transform="translate(0 ${(i + 1) * ROW})">${line()}</g>`)
  const height = (lines.length + 2) * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${body.join('\n')}
</svg>
`
}

function heading(text: string): string {
  return `<text x="4" y="13" font-weight="bold">${escaped(text)}</text>`
}

function bar({ contestant, figure, values }: Series, scale: (value: number) => number): string {
  const value = median(values)
  const width = (scale(value) * (WIDTH - LABELS - 60)).toFixed(1)
  const color = contestant === OURS ? '#c2410c' : '#94a3b8'
  return [
    `<text x="${LABELS - 6}" y="13" text-anchor="end">${escaped(`${figure}: ${contestant}`)}</text>`,
    `<rect x="${LABELS}" y="3" width="${width}" height="12" fill="${color}"/>`,
    `<text x="${LABELS + Number(width) + 4}" y="13">${digits(value)}</text>`,
  ].join('')
}

/** From 0.05 for the smallest to 1. */
function scaleOf(values: readonly number[]): (value: number) => number {
  const logs = values.filter((value) => value > 0).map(Math.log)
  const [least, most] = [Math.min(...logs), Math.max(...logs)]
  return (value) => (value > 0 ? 0.05 + (0.95 * (Math.log(value) - least)) / (most - least || 1) : 0)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

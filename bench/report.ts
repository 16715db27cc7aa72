// Tables of figures: the median of all runs, how far they lie apart, and how many times our figure it is.

import { OURS } from './contestants/index.ts'
import type { Measure } from './measure.ts'
import { median } from './stats.ts'

/** One figure of one contestant, one value a run. */
export interface Series {
  readonly measure: string
  readonly figure: string
  readonly contestant: string
  readonly values: readonly number[]
}

/** A table in the form of Markdown. */
export function table({ name, title, unit }: Measure, all: readonly Series[]): string {
  const series = all.filter(({ measure }) => measure === name)
  const contestants = [...new Set(series.map(({ contestant }) => contestant))]
  const figures = [...new Set(series.map(({ figure }) => figure))]
  const rows = figures.map((figure) => {
    const of = (contestant: string) =>
      series.find((one) => one.figure === figure && one.contestant === contestant)?.values
    return [figure, ...contestants.map((contestant) => cell(of(contestant), of(OURS)))]
  })
  const head = ['', ...contestants]
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  return [`### ${title} (${unit})`, '', ...lines, ''].join('\n')
}

function cell(values: readonly number[] | undefined, ours: readonly number[] | undefined): string {
  if (!values || values.length === 0) return '-'
  const spread = values.length > 1 ? ` (${digits(Math.min(...values))}-${digits(Math.max(...values))})` : ''
  const ratio =
    ours && ours !== values && median(ours) > 0 ? `, ×${(median(values) / median(ours)).toFixed(2)}` : ''
  return `${digits(median(values))}${spread}${ratio}`
}

/** Three that count. */
export function digits(value: number): string {
  return Number(value.toPrecision(3)).toString()
}

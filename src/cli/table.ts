// Tables of text. Columns are data, so that what is shown is said once.

import Table, { type CharName } from 'cli-table3'
import { printable } from './text.ts'

export type Column<T> = readonly [header: string, cell: (row: T) => string, align?: 'right']

const rules: readonly CharName[] = ['top', 'mid', 'bottom']
const bars: readonly CharName[] = ['left', 'middle', 'right']
const crossings: readonly CharName[] = [
  'top-left',
  'top-mid',
  'top-right',
  'left-mid',
  'mid-mid',
  'right-mid',
  'bottom-left',
  'bottom-mid',
  'bottom-right',
]

const frame = { ...drawn(rules, '-'), ...drawn(bars, '|'), ...drawn(crossings, '+') }
const noFrame = drawn([...rules, ...bars, ...crossings], '')

/** As calicoctl v3.33 prints: a frame, headers in capitals, left aligned, nothing wrapped. */
export function framed<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  return render(columns, rows, frame, {})
}

/** Columns two spaces apart, without lines. */
export function plain<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  return render(columns, rows, noFrame, { 'padding-left': 0, 'padding-right': 2 }).replaceAll(/ +$/gm, '')
}

function drawn(names: readonly CharName[], char: string): Partial<Record<CharName, string>> {
  return Object.fromEntries(names.map((name) => [name, char]))
}

function render<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  chars: Partial<Record<CharName, string>>,
  padding: { 'padding-left'?: number; 'padding-right'?: number },
): string {
  const table = new Table({
    head: columns.map(([header]) => header),
    colAligns: columns.map(([, , align]) => align ?? 'left'),
    chars,
    style: { head: [], border: [], compact: true, ...padding },
  })
  table.push(...rows.map((row) => columns.map(([, cell]) => printable(cell(row)))))
  return `${table.toString()}\n`
}

import Table from 'cli-table3'
import type { Colours } from './colours.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Columns under dim titles, without lines, so that it can be cut and pasted. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[], colours: Colours): string {
  const table = new Table({
    head: columns.map(({ title }) => colours.dim(title)),
    chars: NO_LINES,
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  table.push(...rows.map((row) => [...row]))
  return withoutTrailingBlanks(table.toString())
}

/** Names and values, the names dim. */
export function factsText(
  facts: readonly (readonly [name: string, value: string | undefined])[],
  colours: Colours,
): string {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined)
  const width = Math.max(0, ...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${colours.dim(name.padEnd(width))}  ${value}`).join('\n')
}

function withoutTrailingBlanks(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

import type { FrontPointView, FrontView } from '@fog/contract'
import { formatCount } from '../../format/format.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { breachText, formatValue } from './front-words.ts'

interface PointRow extends FrontPointView {
  readonly place: number
  readonly isChosen: boolean
}

/** Every plan of a front with its figures, the one in force marked. */
export function PointsTable({ front }: { front: FrontView }) {
  const { points, objectives, chosen } = front
  const rows = points.map((point, place): PointRow => ({ ...point, place, isChosen: place === chosen }))
  return (
    <DataTable
      caption="Plans on the front"
      columns={columnsOf(objectives)}
      rows={rows}
      rowId={(row) => String(row.place)}
    />
  )
}

function columnsOf(objectives: FrontView['objectives']): Column<PointRow>[] {
  return [
    {
      id: 'plan',
      header: 'Plan',
      sort: (row) => row.place,
      cell: (row) => <Plan row={row} />,
    },
    ...objectives.map(({ name }, i): Column<PointRow> => ({
      id: name,
      header: `${name[0]!.toUpperCase()}${name.slice(1)}`,
      align: 'end',
      sort: (row) => row.values[i] ?? 0,
      cell: (row) => formatValue(row.values[i] ?? 0),
    })),
    { id: 'waiting', header: 'Waiting', align: 'end', from: 'sm', cell: (row) => formatCount(row.waiting) },
    { id: 'moves', header: 'Moves', align: 'end', from: 'sm', cell: (row) => formatCount(row.moves) },
    {
      id: 'breaches',
      header: 'Breaks',
      align: 'end',
      from: 'md',
      cell: (row) => <Breaches row={row} />,
    },
  ]
}

function Plan({ row: { place, isChosen } }: { row: PointRow }) {
  return isChosen ? <span className="font-semibold text-accent">{place + 1}, in force</span> : place + 1
}

function Breaches({ row }: { row: PointRow }) {
  return breachText(row) ?? <span className="text-faint">nothing</span>
}

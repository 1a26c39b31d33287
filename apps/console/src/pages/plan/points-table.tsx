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
  const columns: Column<PointRow>[] = [
    {
      id: 'plan',
      header: 'Plan',
      sort: (row) => row.place,
      cell: (row) =>
        row.isChosen ? <span className="font-semibold text-accent">{row.place + 1}, in force</span> : row.place + 1,
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
      cell: (row) => breachText(row) ?? <span className="text-faint">nothing</span>,
    },
  ]
  return <DataTable caption="Plans on the front" columns={columns} rows={rows} rowId={(row) => String(row.place)} />
}

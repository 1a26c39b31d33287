import type { OverviewView } from '@fog/contract'
import { formatCount } from '../../format/format.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Ago } from '../../parts/time.tsx'

type QueueRow = OverviewView['queue'][number]

const COLUMNS: readonly Column<QueueRow>[] = [
  { id: 'tier', header: 'Tier', cell: (row) => <span className="font-medium capitalize">{row.tier}</span> },
  { id: 'queued', header: 'Waiting', align: 'end', cell: (row) => formatCount(row.queued) },
  { id: 'running', header: 'Running', align: 'end', cell: (row) => formatCount(row.running) },
  {
    id: 'oldest',
    header: 'Waits since',
    align: 'end',
    cell: (row) =>
      row.oldestQueuedAt === undefined ? (
        <span className="text-faint">nothing waits</span>
      ) : (
        <Ago at={row.oldestQueuedAt} />
      ),
  },
]

export function QueueTable({ queue }: { queue: readonly QueueRow[] }) {
  return (
    <DataTable caption="Tasks waiting and running by tier" columns={COLUMNS} rows={queue} rowId={(row) => row.tier} />
  )
}

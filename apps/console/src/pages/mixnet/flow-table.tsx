import { useState } from 'react'
import { countOf, formatClock, formatCount, formatExact } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { type EpochFlow, lengthOf, perSecond } from './flow.ts'
import { rateText } from './words.ts'

interface FlowTableProps {
  readonly flows: readonly EpochFlow[]
  /** Whose packets: `all nodes`, `layer 1`. */
  readonly of: string
  /** Of one node, of which it is plain that it reported. */
  readonly single?: boolean
}

/** Rows shown unasked: with epochs of 20 minutes, eight hours. */
const FEW = 24

/** Packets by epoch, the latest first. */
export function FlowTable({ flows, of, single = false }: FlowTableProps) {
  const [all, setAll] = useState(false)
  const columns = single ? COLUMNS.filter(({ id }) => id !== 'reported') : COLUMNS
  return (
    <>
      <DataTable
        caption={`Packets of ${of} by epoch`}
        columns={columns}
        rows={all ? flows : flows.slice(0, FEW)}
        rowId={({ epoch }) => String(epoch)}
      />
      {!all && flows.length > FEW && (
        <div className="border-t border-line px-4 py-2.5 sm:px-5">
          <Button size="small" kind="quiet" onClick={() => setAll(true)}>
            Show all {countOf(flows.length, 'epoch')}
          </Button>
        </div>
      )}
    </>
  )
}

const COLUMNS: readonly Column<EpochFlow>[] = [
  {
    id: 'epoch',
    header: 'Epoch',
    sort: ({ epoch }) => epoch,
    cell: ({ epoch, from, to }) => (
      <span
        title={`${formatExact(Date.parse(from))} to ${formatExact(Date.parse(to))}`}
        className="figures whitespace-nowrap"
      >
        {formatCount(epoch)}
        <span className="block text-[0.8125rem] text-faint">{formatClock(Date.parse(from))}</span>
      </span>
    ),
  },
  count('received', 'Received'),
  {
    id: 'rate',
    header: 'Received/s',
    align: 'end',
    from: 'md',
    cell: (flow) => rateText(perSecond(flow.received, lengthOf(flow))),
  },
  count('forwarded', 'Forwarded'),
  { ...count('delivered', 'Delivered'), from: 'sm' },
  { ...count('cover', 'Cover'), from: 'sm' },
  count('dropped', 'Dropped'),
  {
    id: 'reported',
    header: 'Reports',
    align: 'end',
    from: 'sm',
    cell: ({ reported, listed }) =>
      listed === undefined ? formatCount(reported) : `${formatCount(reported)} of ${formatCount(listed)}`,
  },
]

function count(field: 'received' | 'forwarded' | 'delivered' | 'cover' | 'dropped', header: string): Column<EpochFlow> {
  return { id: field, header, align: 'end', cell: (flow) => formatCount(flow[field]) }
}

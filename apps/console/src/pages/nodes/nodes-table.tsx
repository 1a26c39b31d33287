import { Link } from '@tanstack/react-router'
import type { NodeView } from '@fog/contract'
import { formatBytes, formatCount, formatLatency, formatNumber } from '../../format/format.ts'
import { Badge, NodeState } from '../../parts/badge.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { UsageBar } from '../../parts/progress.tsx'

const STATES = [
  'online',
  'throttled',
  'suspended',
  'draining',
  'suspect',
  'unreachable',
  'lost',
  'quarantined',
  'retired',
]

const COLUMNS: readonly Column<NodeView>[] = [
  {
    id: 'name',
    header: 'Node',
    sort: (node) => node.name,
    className: 'w-full max-w-0 lg:w-[30%]',
    cell: (node) => (
      <>
        <span className="flex items-center gap-2">
          <Link
            to="/nodes/$nodeId"
            params={{ nodeId: node.nodeId }}
            className="min-w-0 truncate font-medium after:absolute after:inset-0"
          >
            {node.name}
          </Link>
          {node.mine && <Badge tone="accent">yours</Badge>}
        </span>
        {node.reasons[0] && <span className="block truncate text-[0.8125rem] text-faint">{node.reasons[0]}</span>}
      </>
    ),
  },
  {
    id: 'state',
    header: 'State',
    sort: (node) => STATES.indexOf(node.state),
    cell: (node) => <NodeState state={node.state} />,
  },
  {
    id: 'running',
    header: 'Running',
    align: 'end',
    from: 'sm',
    sort: (node) => node.running,
    cell: (node) => formatCount(node.running),
  },
  {
    id: 'cores',
    header: 'Cores',
    from: 'md',
    className: 'min-w-28',
    sort: (node) => node.capacity.cores,
    cell: (node) => (
      <Usage
        part={node.reserved.cores}
        whole={node.capacity.cores}
        format={formatNumber}
        label={`Cores reserved of ${node.name}`}
      />
    ),
  },
  {
    id: 'memory',
    header: 'Memory',
    from: 'lg',
    className: 'min-w-36',
    sort: (node) => node.capacity.memoryBytes,
    cell: (node) => (
      <Usage
        part={node.reserved.memoryBytes}
        whole={node.capacity.memoryBytes}
        format={formatBytes}
        label={`Memory reserved of ${node.name}`}
      />
    ),
  },
  {
    id: 'trust',
    header: 'Trust',
    align: 'end',
    from: 'lg',
    sort: (node) => node.trust,
    cell: (node) => <span title="0 to 1000">{formatCount(node.trust)}</span>,
  },
  {
    id: 'latency',
    header: 'Round trip',
    align: 'end',
    from: 'lg',
    sort: (node) => node.latencyMs ?? Number.MAX_SAFE_INTEGER,
    cell: (node) => (
      <span className={node.latencyMs === undefined ? 'text-faint' : undefined}>{formatLatency(node.latencyMs)}</span>
    ),
  },
]

function Usage({
  part,
  whole,
  format,
  label,
}: {
  part: number
  whole: number
  format: (value: number) => string
  label: string
}) {
  const text = `${format(part)} of ${format(whole)}`
  return (
    <div>
      <span className="figures mb-1 block text-xs whitespace-nowrap text-soft">{text}</span>
      <UsageBar part={part} whole={whole} label={label} text={text} />
    </div>
  )
}

export function NodesTable({ nodes }: { nodes: readonly NodeView[] }) {
  return <DataTable caption="Nodes of this fog" columns={COLUMNS} rows={nodes} rowId={(node) => node.nodeId} />
}

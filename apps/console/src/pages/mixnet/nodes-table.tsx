import type { TopologyNodeView, TopologyView } from '@fog/contract'
import { formatCount, UNKNOWN } from '../../format/format.ts'
import { Badge, State } from '../../parts/badge.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { perSecond } from './flow.ts'
import { lossText, nodeName, placeOrder, placeText, rateText, standingOf } from './words.ts'

interface NodesTableProps {
  readonly topology: TopologyView
  readonly epochMs: number
  readonly onLook: (identityKey: string) => void
}

/** Every node of an epoch: what the picture shows, with figures. */
export function NodesTable({ topology, epochMs, onLook }: NodesTableProps) {
  return (
    <DataTable
      caption="Nodes of the mixnet in this epoch"
      columns={columnsFor(onLook, epochMs)}
      rows={topology.nodes.toSorted((a, b) => placeOrder(a.place) - placeOrder(b.place) || b.weight - a.weight)}
      rowId={(node) => node.identityKey}
    />
  )
}

function columnsFor(onLook: (identityKey: string) => void, epochMs: number): readonly Column<TopologyNodeView>[] {
  return [
    {
      id: 'name',
      header: 'Node',
      sort: nodeName,
      className: 'w-full max-w-0 lg:w-[26%]',
      cell: (node) => (
        <>
          <span className="flex items-center gap-2">
            <button
              type="button"
              onClick={() => onLook(node.identityKey)}
              className="min-w-0 truncate rounded text-left font-medium after:absolute after:inset-0"
            >
              {nodeName(node)}
            </button>
            {node.mine && <Badge tone="accent">yours</Badge>}
          </span>
          <span className="block truncate text-[0.8125rem] text-faint">{node.operator}</span>
        </>
      ),
    },
    {
      id: 'place',
      header: 'Place',
      sort: (node) => placeOrder(node.place),
      cell: (node) => <span className="whitespace-nowrap">{placeText(node.place)}</span>,
    },
    {
      id: 'weight',
      header: 'Weight',
      align: 'end',
      sort: (node) => node.weight,
      cell: (node) => formatCount(node.weight),
    },
    {
      id: 'standing',
      header: 'Standing',
      from: 'md',
      sort: (node) => standingOf(node).text,
      cell: (node) => <State tone={standingOf(node).tone}>{standingOf(node).text}</State>,
    },
    {
      id: 'probes',
      header: 'Probes',
      align: 'end',
      from: 'lg',
      sort: (node) => (node.probe ? node.probe.lost / Math.max(1, node.probe.sent) : -1),
      cell: (node) => (node.probe ? lossText(node.probe) : <Unknown />),
    },
    {
      id: 'received',
      header: 'Received/s',
      align: 'end',
      from: 'sm',
      sort: (node) => node.reported?.received ?? -1,
      cell: (node) =>
        node.reported ? (
          <span title={`Its own word, of epoch ${node.reported.epoch}: a sum over the epoch`}>
            {rateText(perSecond(node.reported.received, epochMs))}
          </span>
        ) : (
          <Unknown />
        ),
    },
    {
      id: 'dropped',
      header: 'Dropped',
      align: 'end',
      from: 'lg',
      sort: (node) => node.reported?.dropped ?? -1,
      cell: (node) => (node.reported ? formatCount(node.reported.dropped) : <Unknown />),
    },
  ]
}

function Unknown() {
  return <span className="text-faint">{UNKNOWN}</span>
}

import { useNavigate } from '@tanstack/react-router'
import { Waypoints } from 'lucide-react'
import type { ReactNode } from 'react'
import type { TopologyNodeView, TopologyView } from '@fog/contract'
import { countOf } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { Sheet } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Ago } from '../../parts/time.tsx'
import { Legend, NetworkPicture } from './network-picture.tsx'
import { NodePanel } from './node-panel.tsx'
import { NodesTable } from './nodes-table.tsx'
import type { Mixnet } from './queries.ts'
import { nodeName, placeText } from './words.ts'

interface NetworkPartProps {
  readonly mixnet: Mixnet
  readonly topology: TopologyView
  /** Identity key of the node whose panel is open. */
  readonly open: string | undefined
  readonly add: ReactNode
}

/** Who mixes where: as a picture, and as a table with the same. */
export function NetworkPart({ mixnet, topology, open, add }: NetworkPartProps) {
  const navigate = useNavigate()
  const look = (node: string | undefined) =>
    void navigate({
      to: '/mixnet',
      search: { tab: 'network', ...(node && { node }) },
      replace: true,
      resetScroll: false,
    })
  const { nodes, epoch, validAfter } = topology
  const shown = nodes.find(({ identityKey }) => identityKey === open)
  if (nodes.length === 0) {
    return (
      <Card>
        <Empty icon={<Waypoints size={22} />} title="No nodes yet" action={add}>
          A mixnet needs a gateway and a node in each of three layers. Start some with{' '}
          <code className="font-mono text-[0.8125rem]">fog mix run</code>; they are listed with the next consensus but
          one.
        </Empty>
      </Card>
    )
  }
  return (
    <div className="space-y-4 md:space-y-5">
      <Card
        title={`The network of epoch ${epoch}`}
        note={
          <>
            {countOf(nodes.length, 'node')}, in force since <Ago at={validAfter} />. The larger, the heavier: the more
            often it is chosen.
          </>
        }
      >
        <NetworkPicture topology={topology} onLook={look} />
        <Legend />
      </Card>
      <Card
        flush
        title="All nodes"
        note="The same as in the picture, with figures. What a node reports is its own word."
      >
        <NodesTable topology={topology} epochMs={mixnet.rules.schedule.epochMs} onLook={look} />
      </Card>
      <Sheet
        open={open !== undefined}
        onClose={() => look(undefined)}
        title={shown ? nodeName(shown) : 'Mix node'}
        note={shown ? headOf(shown, epoch) : `It is not in epoch ${epoch}.`}
      >
        {shown ? (
          <NodePanel node={shown} topology={topology} />
        ) : (
          <p className="text-sm text-soft">This node is not listed in the epoch that is shown.</p>
        )}
      </Sheet>
    </div>
  )
}

function headOf({ place, role, mine }: TopologyNodeView, epoch: number): string {
  const where =
    role === 'gateway' && place === 'gateway' ? 'Gateway' : `${role === 'mix' ? 'Mix' : 'Gateway'}, ${placeText(place)}`
  return `${where} in epoch ${epoch}${mine ? '; yours' : ''}`
}

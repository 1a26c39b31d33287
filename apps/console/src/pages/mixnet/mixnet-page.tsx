import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Waypoints } from 'lucide-react'
import { useState } from 'react'
import type { TopologyView } from '@fog/contract'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { TabbedParts } from '../../parts/tabs.tsx'
import { useClient } from '../../session/session-context.tsx'
import { AddMixNode } from './add-mix-node.tsx'
import { AdmissionPart } from './admission-part.tsx'
import { ConsensusPart } from './consensus-part.tsx'
import { healthOf } from './epochs.ts'
import { FollowEpochs } from './follow-epochs.tsx'
import { FlowPart } from './flow-part.tsx'
import { HealthNotice, HealthState } from './health-notice.tsx'
import { NetworkPart } from './network-part.tsx'
import { isOff, type Mixnet, mixnetQuery, topologyQuery } from './queries.ts'

/** The mixnet of this fog: who mixes where, what passes through, what was agreed on, and who may. */
export function MixnetPage() {
  const client = useClient()
  const mixnet = useQuery(mixnetQuery(client))
  const topology = useQuery({ ...topologyQuery(client), enabled: mixnet.data !== undefined })
  if (mixnet.data && topology.data) {
    const stale = mixnet.error ?? topology.error
    return (
      <>
        <FollowEpochs mixnet={mixnet.data} />
        <Loaded mixnet={mixnet.data} topology={topology.data} readAt={topology.dataUpdatedAt} stale={stale} />
      </>
    )
  }
  const failed = mixnet.isError ? mixnet : topology
  return (
    <Page title="Mixnet" note={NOTE}>
      {failed.isError ? (
        isOff(failed.error) ? (
          <Off />
        ) : (
          <Failure error={failed.error} retry={() => void failed.refetch()} />
        )
      ) : (
        <Loading lines={8} label="Loading the mixnet" />
      )}
    </Page>
  )
}

const NOTE =
  'Hides who talks with whom: packets go through three layers of nodes, each of which holds them for a while.'

function Off() {
  return (
    <Card>
      <Empty icon={<Waypoints size={22} />} title="No mixnet here">
        This control plane keeps no directory of a mixnet: it was started with{' '}
        <code className="font-mono text-[0.8125rem]">FOG_MIXNET=off</code>. Without that setting it keeps one.
      </Empty>
    </Card>
  )
}

interface LoadedProps {
  readonly mixnet: Mixnet
  readonly topology: TopologyView
  /** By this device's clock. */
  readonly readAt: number
  readonly stale: unknown
}

function Loaded({ mixnet, topology, readAt, stale }: LoadedProps) {
  const navigate = useNavigate()
  const { tab = 'network', node } = useSearch({ from: '/inside/mixnet' })
  const [adding, setAdding] = useState(false)
  const health = healthOf(mixnet.rules.schedule, topology, readAt + mixnet.aheadMs)
  const add = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden="true" />} onClick={() => setAdding(true)}>
      Add a mix node
    </Button>
  )
  return (
    <Page
      title="Mixnet"
      heading={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          Mixnet
          <span className="text-sm tracking-normal">
            <HealthState health={health} />
          </span>
        </span>
      }
      note={NOTE}
      actions={add}
    >
      {Boolean(stale) && <Failure error={stale} />}
      <HealthNotice health={health} aheadMs={mixnet.aheadMs} />
      <TabbedParts
        label="Parts of the mixnet"
        value={tab}
        onChange={(next) => void navigate({ to: '/mixnet', search: { tab: next }, replace: true, resetScroll: false })}
        tabs={[
          {
            value: 'network',
            label: 'Network',
            content: <NetworkPart mixnet={mixnet} topology={topology} open={node} add={add} />,
          },
          { value: 'flow', label: 'Packet flow', content: <FlowPart mixnet={mixnet} /> },
          { value: 'consensus', label: 'Consensus', content: <ConsensusPart mixnet={mixnet} topology={topology} /> },
          {
            value: 'nodes',
            label: 'Who may mix',
            content: <AdmissionPart mixnet={mixnet} topology={topology} add={add} />,
          },
        ]}
      />
      <AddMixNode open={adding} onClose={() => setAdding(false)} />
    </Page>
  )
}

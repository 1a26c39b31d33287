import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Waypoints } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { MixNodeView, TopologyView } from '@fog/contract'
import { Badge, State } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty, Notice } from '../../parts/notice.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { Ago } from '../../parts/time.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { useMe } from '../../shell/me.ts'
import { type Mixnet, mixNodesQuery } from './queries.ts'
import { placeText } from './words.ts'

interface AdmissionPartProps {
  readonly mixnet: Mixnet
  readonly topology: TopologyView
  readonly add: ReactNode
}

/** Nodes that accounts registered, whether they mix now, and how to let them go. */
export function AdmissionPart({ mixnet, topology, add }: AdmissionPartProps) {
  const client = useClient()
  const me = useMe()
  const pages = usePages()
  const [whose, setWhose] = useState<'mine' | 'all'>('mine')
  const nodes = useQuery(mixNodesQuery(client, { mine: whose === 'mine', after: pages.after }))
  const [asked, setAsked] = useState<MixNodeView>()
  const [open, setOpen] = useState(false)
  const revoke = useRevoke(() => setOpen(false))
  const ask = (node: MixNodeView) => {
    revoke.reset()
    setAsked(node)
    setOpen(true)
  }
  return (
    <div className="space-y-4 md:space-y-5">
      {mixnet.admission === 'anyone' && (
        <Notice kind="warn">
          This directory lists anyone&apos;s nodes, registered or not (
          <code className="font-mono">FOG_MIXNET_ADMIT=anyone</code>): for closed networks and trials.
        </Notice>
      )}
      <Segmented
        label="Whose mix nodes"
        value={whose}
        options={[
          { value: 'mine', text: 'Mine' },
          { value: 'all', text: "Everybody's" },
        ]}
        onChange={(next) => {
          pages.first()
          setWhose(next)
        }}
      />
      <Card
        flush
        title="Mix nodes that may be listed"
        note="Each by its identity key. Who is revoked never comes back."
      >
        <Resource query={nodes} lines={4} label="Loading mix nodes">
          {(page) =>
            page.items.length > 0 ? (
              <DataTable
                caption="Mix nodes that were admitted"
                columns={columnsFor(topology, (node) => node.mine || me?.role === 'admin', ask)}
                rows={page.items}
                rowId={(node) => node.identityKey}
              />
            ) : (
              <Empty
                icon={<Waypoints size={22} />}
                title={whose === 'mine' ? 'None of yours' : 'None so far'}
                action={add}
              >
                A mix node needs a machine that stays on, and a port that others reach.
              </Empty>
            )
          }
        </Resource>
        <Pager pages={pages} next={nodes.data?.next} label="Pages of mix nodes" />
      </Card>
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={`Revoke ${asked?.name ?? ''}?`}
        act="Revoke it for good"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => asked && revoke.mutate(asked)}
      >
        Its next descriptor is refused, so it leaves with the next consensus, and its identity key can never be admitted
        again. To come back it needs new keys.
      </Confirm>
    </div>
  )
}

function useRevoke(after: () => void) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  return useMutation({
    mutationFn: async ({ identityKey }: MixNodeView) => client.call('revokeMixNode', { params: { identityKey } }),
    onSuccess: (_, { name }) => {
      say('good', `${name} was revoked`)
      void queries.invalidateQueries({ queryKey: ['mixnet', 'nodes'] })
      after()
    },
  })
}

function columnsFor(
  topology: TopologyView,
  mayRevoke: (node: MixNodeView) => boolean,
  onRevoke: (node: MixNodeView) => void,
): readonly Column<MixNodeView>[] {
  const places = new Map(topology.nodes.map(({ identityKey, place }) => [identityKey, place]))
  return [
    {
      id: 'name',
      header: 'Node',
      sort: (node) => node.name,
      className: 'w-full max-w-0',
      cell: (node) => (
        <>
          <span className="flex items-center gap-2">
            <span className="min-w-0 truncate font-medium">{node.name}</span>
            {node.mine && <Badge tone="accent">yours</Badge>}
          </span>
          <span className="block truncate text-[0.8125rem] text-faint" title={node.identityKey}>
            <span className="font-mono">{node.identityKey.slice(0, 16)}…</span> {node.operator}
          </span>
        </>
      ),
    },
    {
      id: 'state',
      header: 'State',
      cell: ({ status }) =>
        status === 'revoked' ? <State tone="bad">revoked</State> : <State tone="good">admitted</State>,
    },
    {
      id: 'place',
      header: 'Now',
      from: 'sm',
      cell: ({ identityKey }) => {
        const place = places.get(identityKey)
        return place === undefined ? <span className="whitespace-nowrap text-faint">not listed</span> : placeText(place)
      },
    },
    {
      id: 'since',
      header: 'Since',
      align: 'end',
      from: 'md',
      cell: (node) => <Ago at={node.revokedAt ?? node.addedAt} />,
    },
    {
      id: 'revoke',
      header: 'Revoke',
      headerHidden: true,
      align: 'end',
      cell: (node) =>
        node.status === 'admitted' &&
        mayRevoke(node) && (
          <Button size="small" kind="quiet" onClick={() => onRevoke(node)}>
            Revoke<span className="sr-only"> {node.name}</span>
          </Button>
        ),
    },
  ]
}

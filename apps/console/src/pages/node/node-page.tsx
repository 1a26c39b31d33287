import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
import { useState } from 'react'
import type { NodeView } from '@fog/contract'
import { Badge, NodeState } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { IdText } from '../../parts/copy.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Ago } from '../../parts/time.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { useMe } from '../../shell/me.ts'
import { dutiesFor, type DutyChange } from './duties.ts'
import { NodeFacts } from './node-facts.tsx'
import { nodeQuery } from './queries.ts'

/** One device: what it has, what it does and why, and what one may do with it. */
export function NodePage() {
  const { nodeId } = useParams({ from: '/inside/nodes/$nodeId' })
  const node = useQuery(nodeQuery(useClient(), nodeId))
  if (node.data) return <Loaded node={node.data} stale={node.isError ? node.error : undefined} />
  return (
    <Page title="Node" above={<Back />}>
      {node.isError ? (
        <Failure error={node.error} retry={() => void node.refetch()} />
      ) : (
        <Loading lines={8} label="Loading the node" />
      )}
    </Page>
  )
}

function Loaded({ node, stale }: { node: NodeView; stale: unknown }) {
  const me = useMe()
  const mayChange = node.mine || me?.role === 'admin'
  return (
    <Page
      title={node.name}
      above={<Back />}
      heading={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0 break-words">{node.name}</span>
          <span className="flex gap-1.5 text-sm tracking-normal">
            <NodeState state={node.state} />
            {node.mine && <Badge tone="accent">yours</Badge>}
          </span>
        </span>
      }
      note={
        <span className="flex flex-wrap items-center gap-x-2">
          <IdText id={node.nodeId} />
          {isSilent(node) && (
            <span>
              last heard of <Ago at={node.lastSeenAt} />
            </span>
          )}
        </span>
      }
      actions={mayChange && <Duties node={node} />}
    >
      {stale !== undefined && <Failure error={stale} />}
      <NodeFacts node={node} />
    </Page>
  )
}

// Of a node that is there, the time of its last heartbeat would be old as soon as it is shown.
function isSilent({ state }: NodeView): boolean {
  return state === 'suspect' || state === 'unreachable' || state === 'lost' || state === 'retired'
}

function Back() {
  return (
    <Link to="/nodes" className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline">
      <ChevronLeft size={15} aria-hidden="true" />
      Nodes
    </Link>
  )
}

function Duties({ node }: { node: NodeView }) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const [asked, setAsked] = useState<DutyChange | undefined>(undefined)
  const [open, setOpen] = useState(false)
  const set = useMutation({
    mutationFn: async ({ duty }: DutyChange) =>
      client.call('setNodeDuty', { params: { nodeId: node.nodeId }, body: { duty } }),
    onSuccess: (after) => {
      queries.setQueryData(nodeQuery(client, node.nodeId).queryKey, after)
      void queries.invalidateQueries({ queryKey: ['nodes', 'list'] })
      setOpen(false)
      say('good', `${after.name} is ${after.state}`)
    },
  })
  const ask = (change: DutyChange) => {
    set.reset()
    setAsked(change)
    if (change.asks === undefined) set.mutate(change)
    else setOpen(true)
  }
  return (
    <>
      {dutiesFor(node.state).map((change) => (
        <Button
          key={change.duty}
          kind={change.duty === 'active' ? 'primary' : change.duty === 'retired' ? 'danger' : 'plain'}
          busy={set.isPending && !open && asked === change}
          onClick={() => ask(change)}
        >
          {change.text}
        </Button>
      ))}
      {set.isError && !open && <Failure error={set.error} />}
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={`${asked?.text ?? ''} ${node.name}?`}
        act={asked?.text ?? ''}
        keep="Leave it as it is"
        kind={asked?.duty === 'retired' ? 'danger' : 'primary'}
        busy={set.isPending}
        error={set.error}
        onConfirm={() => asked && set.mutate(asked)}
      >
        {asked?.asks}
      </Confirm>
    </>
  )
}

import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, ServerCog } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { useClient } from '../../session/session-context.tsx'
import { AddDevice } from './add-device.tsx'
import { JoinTokens } from './join-tokens.tsx'
import { NodesTable } from './nodes-table.tsx'
import { nodesQuery } from './queries.ts'

type Whose = 'all' | 'mine' | 'retired'

/** Every device of this fog, what it has, what it does, and why. */
export function NodesPage() {
  const client = useClient()
  const navigate = useNavigate()
  const { add = false } = useSearch({ from: '/inside/nodes' })
  const [whose, setWhose] = useState<Whose>('all')
  const pages = usePages()
  const nodes = useQuery(
    nodesQuery(client, { mine: whose === 'mine', retired: whose === 'retired', after: pages.after }),
  )
  const setAdding = (adding: boolean) =>
    void navigate({ to: '/nodes', search: adding ? { add: true } : {}, replace: true, resetScroll: false })
  const addButton = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden="true" />} onClick={() => setAdding(true)}>
      Add a device
    </Button>
  )
  return (
    <Page title="Nodes" note="Devices that lend their idle time." actions={addButton}>
      <Segmented<Whose>
        label="Which nodes"
        value={whose}
        options={[
          { value: 'all', text: 'All' },
          { value: 'mine', text: 'Mine' },
          { value: 'retired', text: 'With retired' },
        ]}
        onChange={(next) => {
          pages.first()
          setWhose(next)
        }}
      />
      <Card flush>
        <Resource query={nodes} lines={6} label="Loading nodes">
          {(page) =>
            page.items.length > 0 ? (
              <NodesTable nodes={page.items} />
            ) : (
              <Empty icon={<ServerCog size={22} />} title="No devices yet" action={addButton}>
                Lend a laptop, a desktop or a server: it works for the fog while nobody needs it, and is paid for it.
              </Empty>
            )
          }
        </Resource>
        <Pager pages={pages} next={nodes.data?.next} label="Pages of nodes" />
      </Card>
      <JoinTokens />
      <AddDevice open={add} onClose={() => setAdding(false)} />
    </Page>
  )
}

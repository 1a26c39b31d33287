import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { type Scope, type TokenView } from '@fog/contract'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { NewToken } from './new-token.tsx'
import { tokensQuery } from './queries.ts'

/** Keys for scripts: made, shown once, revoked. */
export function TokensPart({ scopes }: { scopes: readonly Scope[] }) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const tokens = useQuery(tokensQuery(client))
  const [making, setMaking] = useState(false)
  const [asked, setAsked] = useState<TokenView | undefined>(undefined)
  const [open, setOpen] = useState(false)
  const revoke = useMutation({
    mutationFn: async (token: TokenView) => client.call('revokeToken', { params: { tokenId: token.tokenId } }),
    onSuccess: (_, token) => {
      setOpen(false)
      say('good', `${token.name} was revoked`)
      void queries.invalidateQueries({ queryKey: ['tokens'] })
    },
  })
  const addButton = (
    <Button size="small" icon={<Plus size={15} aria-hidden="true" />} onClick={() => setMaking(true)}>
      New token
    </Button>
  )
  return (
    <Card
      flush
      title="API tokens"
      note="For scripts and the fog command, with no more rights than they need."
      actions={addButton}
    >
      <Resource query={tokens} lines={3} label="Loading tokens">
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              caption="Your API tokens"
              columns={columnsFor((token) => {
                revoke.reset()
                setAsked(token)
                setOpen(true)
              })}
              rows={page.items}
              rowId={(token) => token.tokenId}
            />
          ) : (
            <Empty icon={<KeyRound size={22} />} title="No tokens">
              A script logs in with a token instead of your password.
            </Empty>
          )
        }
      </Resource>
      <NewToken open={making} onClose={() => setMaking(false)} scopes={scopes} />
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={`Revoke ${asked?.name ?? ''}?`}
        act="Revoke it"
        keep="Keep it"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => asked && revoke.mutate(asked)}
      >
        Whatever uses this token is refused from now on. That cannot be undone.
      </Confirm>
    </Card>
  )
}

function columnsFor(onRevoke: (token: TokenView) => void): readonly Column<TokenView>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      className: 'w-full max-w-0',
      cell: (token) => (
        <>
          <span className="flex items-center gap-2">
            <span className="truncate font-medium">{token.name}</span>
            {token.revoked && <Badge>revoked</Badge>}
          </span>
          <span className="block truncate text-[0.8125rem] text-faint" title={token.scopes.join(', ')}>
            {token.scopes.join(', ')}
          </span>
        </>
      ),
    },
    {
      id: 'used',
      header: 'Last used',
      align: 'end',
      from: 'sm',
      cell: (token) => <Ago at={token.lastUsedAt} unknown="never" />,
    },
    {
      id: 'expires',
      header: 'Ends',
      align: 'end',
      from: 'md',
      cell: (token) => <Ago at={token.expiresAt} unknown="never" />,
    },
    {
      id: 'revoke',
      header: 'Revoke',
      headerHidden: true,
      align: 'end',
      cell: (token) =>
        !token.revoked && (
          <Button size="small" kind="quiet" onClick={() => onRevoke(token)}>
            Revoke<span className="sr-only"> {token.name}</span>
          </Button>
        ),
    },
  ]
}

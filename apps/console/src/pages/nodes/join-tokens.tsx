import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { JoinTokenView } from '@fog/contract'
import { formatCount } from '../../format/format.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago, useNow } from '../../parts/time.tsx'
import { useSay, useSayFailure } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { joinTokensQuery } from './queries.ts'

/** Join tokens that were made; nothing at all before the first. */
export function JoinTokens() {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const sayFailure = useSayFailure()
  const tokens = useQuery(joinTokensQuery(client))
  const revoke = useMutation({
    mutationFn: async (token: JoinTokenView) =>
      client.call('revokeJoinToken', { params: { joinTokenId: token.joinTokenId } }),
    onSuccess: (_, token) => {
      say('good', `${token.name} lets nobody in any more`)
      void queries.invalidateQueries({ queryKey: ['joinTokens'] })
    },
    onError: sayFailure,
  })
  if (tokens.data?.items.length === 0) return null
  return (
    <Card flush title="Join tokens" note="Each lets devices enrol for your account.">
      <Resource query={tokens} lines={2} label="Loading join tokens">
        {(page) => (
          <DataTable
            caption="Join tokens"
            columns={columnsFor((token) => revoke.mutate(token), revoke.isPending)}
            rows={page.items}
            rowId={(token) => token.joinTokenId}
          />
        )}
      </Resource>
    </Card>
  )
}

function columnsFor(onRevoke: (token: JoinTokenView) => void, busy: boolean): readonly Column<JoinTokenView>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      className: 'w-full max-w-0',
      cell: (token) => <span className="block truncate font-medium">{token.name}</span>,
    },
    { id: 'state', header: 'State', cell: (token) => <TokenState token={token} /> },
    { id: 'uses', header: 'Devices left', align: 'end', from: 'sm', cell: (token) => formatCount(token.usesLeft) },
    { id: 'made', header: 'Made', align: 'end', from: 'md', cell: (token) => <Ago at={token.createdAt} /> },
    {
      id: 'revoke',
      header: 'Revoke',
      headerHidden: true,
      align: 'end',
      cell: (token) =>
        !token.revoked && (
          <Button size="small" kind="quiet" disabled={busy} onClick={() => onRevoke(token)}>
            Revoke<span className="sr-only"> {token.name}</span>
          </Button>
        ),
    },
  ]
}

function TokenState({ token }: { token: JoinTokenView }) {
  const now = useNow()
  if (token.revoked) return <Badge>revoked</Badge>
  if (token.usesLeft === 0) return <Badge>used up</Badge>
  if (Date.parse(token.expiresAt) <= now) return <Badge>expired</Badge>
  return <Badge tone="good">good</Badge>
}

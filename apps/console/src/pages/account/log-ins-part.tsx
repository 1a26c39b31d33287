import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { SessionView } from '@fog/contract'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useSay, useSayFailure } from '../../parts/toasts.tsx'
import { useClient, useSession } from '../../session/session-context.tsx'
import { sessionsQuery } from './queries.ts'
import { deviceName } from './device-name.ts'

/** Where you are logged in; each can be ended from here. */
export function LogInsPart() {
  const client = useClient()
  const session = useSession()
  const queries = useQueryClient()
  const say = useSay()
  const sayFailure = useSayFailure()
  const sessions = useQuery(sessionsQuery(client))
  const end = useMutation({
    mutationFn: async ({ sessionId }: SessionView) => client.call('endSession', { params: { sessionId } }),
    onSuccess: () => {
      say('good', 'That log-in has ended')
      void queries.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: sayFailure,
  })
  const onEnd = (one: SessionView) => (one.current ? void session.logOut() : end.mutate(one))
  return (
    <Card flush title="Log-ins" note="Browsers and devices that are logged in as you.">
      <Resource query={sessions} lines={3} label="Loading log-ins">
        {(page) => (
          <DataTable
            caption="Your log-ins"
            columns={columnsFor(onEnd, end.isPending)}
            rows={page.items}
            rowId={(one) => one.sessionId}
          />
        )}
      </Resource>
    </Card>
  )
}

function columnsFor(onEnd: (session: SessionView) => void, busy: boolean): readonly Column<SessionView>[] {
  return [
    {
      id: 'device',
      header: 'Where',
      className: 'w-full max-w-0',
      cell: (session) => (
        <span className="flex items-center gap-2">
          <span className="truncate font-medium" title={session.userAgent}>
            {deviceName(session.userAgent)}
          </span>
          {session.current && <Badge tone="accent">this one</Badge>}
        </span>
      ),
    },
    { id: 'since', header: 'Since', align: 'end', from: 'sm', cell: (session) => <Ago at={session.createdAt} /> },
    { id: 'ends', header: 'Ends', align: 'end', from: 'md', cell: (session) => <Ago at={session.expiresAt} /> },
    {
      id: 'end',
      header: 'End',
      headerHidden: true,
      align: 'end',
      cell: (session) => (
        <Button size="small" kind="quiet" disabled={busy} onClick={() => onEnd(session)}>
          {session.current ? 'Log out' : 'End'}
          <span className="sr-only"> {deviceName(session.userAgent)}</span>
        </Button>
      ),
    },
  ]
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Plus } from 'lucide-react'
import { useState } from 'react'
import type { BodyOf, MeView, routes, UserView } from '@fog/contract'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { ActionsMenu, type MenuAction } from '../../parts/menu.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago, useNow } from '../../parts/time.tsx'
import { useSay, useSayFailure } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { AddUser } from './add-user.tsx'
import { GrantTokens } from './grant-tokens.tsx'
import { NewPassword } from './new-password.tsx'
import { SetQuota } from './set-quota.tsx'
import { usersQuery } from './queries.ts'

type Change = BodyOf<(typeof routes)['changeUser']>
type Asked = { readonly what: 'grant' | 'password' | 'quota'; readonly user: UserView }

/** Everybody who may log in. */
export function UsersPart({ me }: { me: MeView }) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const sayFailure = useSayFailure()
  const pages = usePages()
  const users = useQuery(usersQuery(client, pages.after))
  const [adding, setAdding] = useState(false)
  const [asked, setAsked] = useState<Asked | undefined>(undefined)
  const [open, setOpen] = useState<Asked['what'] | undefined>(undefined)
  const change = useMutation({
    mutationFn: async ({ user, body }: { user: UserView; body: Change }) =>
      client.call('changeUser', { params: { userId: user.userId }, body }),
    onSuccess: (after) => {
      say('good', `${after.name} was changed`)
      void queries.invalidateQueries({ queryKey: ['users'] })
    },
    onError: sayFailure,
  })
  const ask = (what: Asked['what'], user: UserView) => {
    setAsked({ what, user })
    setOpen(what)
  }
  const actionsFor = (user: UserView): MenuAction[] => [
    { text: 'Grant tokens', onSelect: () => ask('grant', user) },
    { text: 'Quota', onSelect: () => ask('quota', user) },
    { text: 'Set a new password', onSelect: () => ask('password', user) },
    ...(user.lockedUntil ? [{ text: 'Unlock', onSelect: () => change.mutate({ user, body: { unlock: true } }) }] : []),
    ...(user.userId === me.userId ? [] : roleAndStatus(user, (body) => change.mutate({ user, body }))),
  ]
  return (
    <Card
      flush
      title="Users"
      actions={
        <Button size="small" icon={<Plus size={15} aria-hidden="true" />} onClick={() => setAdding(true)}>
          Add a user
        </Button>
      }
    >
      <Resource query={users} lines={4} label="Loading users">
        {(page) => (
          <DataTable
            caption="Users of this fog"
            columns={columnsFor(me, actionsFor)}
            rows={page.items}
            rowId={(user) => user.userId}
          />
        )}
      </Resource>
      <Pager pages={pages} next={users.data?.next} label="Pages of users" />
      <AddUser open={adding} onClose={() => setAdding(false)} />
      {asked && <GrantTokens open={open === 'grant'} user={asked.user} onClose={() => setOpen(undefined)} />}
      {asked && <SetQuota open={open === 'quota'} user={asked.user} onClose={() => setOpen(undefined)} />}
      {asked && <NewPassword open={open === 'password'} user={asked.user} onClose={() => setOpen(undefined)} />}
    </Card>
  )
}

function roleAndStatus(user: UserView, set: (body: Change) => void): MenuAction[] {
  return [
    user.role === 'admin'
      ? { text: 'Make a member', onSelect: () => set({ role: 'member' }) }
      : { text: 'Make an admin', onSelect: () => set({ role: 'admin' }) },
    user.status === 'active'
      ? { text: 'Disable', onSelect: () => set({ status: 'disabled' }), danger: true }
      : { text: 'Enable', onSelect: () => set({ status: 'active' }) },
  ]
}

function columnsFor(me: MeView, actionsFor: (user: UserView) => MenuAction[]): readonly Column<UserView>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      sort: (user) => user.name,
      className: 'w-full max-w-0',
      cell: (user) => (
        <span className="flex items-center gap-2">
          <span className="truncate font-medium">{user.name}</span>
          {user.userId === me.userId && <Badge tone="accent">you</Badge>}
        </span>
      ),
    },
    { id: 'role', header: 'Role', sort: (user) => user.role, cell: (user) => user.role },
    { id: 'state', header: 'State', cell: (user) => <UserState user={user} /> },
    { id: 'account', header: 'Account', from: 'md', cell: (user) => <IdText id={user.accountId} /> },
    {
      id: 'since',
      header: 'Since',
      align: 'end',
      from: 'sm',
      sort: (user) => Date.parse(user.createdAt),
      cell: (user) => <Ago at={user.createdAt} />,
    },
    {
      id: 'actions',
      header: 'Actions',
      headerHidden: true,
      align: 'end',
      cell: (user) => (
        <ActionsMenu
          label={`Change ${user.name}`}
          trigger={<Ellipsis size={18} aria-hidden="true" />}
          triggerClass="inline-flex size-8 items-center justify-center rounded-lg text-soft hover:bg-sunken hover:text-ink"
          actions={actionsFor(user)}
        />
      ),
    },
  ]
}

function UserState({ user }: { user: UserView }) {
  const now = useNow()
  if (user.status === 'disabled') return <Badge>disabled</Badge>
  const until = user.lockedUntil === undefined ? 0 : Date.parse(user.lockedUntil)
  if (until > now) {
    return (
      <span className="flex items-center gap-1.5">
        <Badge tone="warn">locked</Badge>
        <span className="text-xs text-faint max-md:hidden">
          opens <Ago at={user.lockedUntil} />
        </span>
      </span>
    )
  }
  return <Badge tone="good">active</Badge>
}

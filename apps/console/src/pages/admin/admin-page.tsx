import { useNavigate, useSearch } from '@tanstack/react-router'
import { Loading, Notice } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { TabbedParts } from '../../parts/tabs.tsx'
import { useMe } from '../../shell/me.ts'
import { AuditPart } from './audit-part.tsx'
import { LedgerPart } from './ledger-part.tsx'
import { UsersPart } from './users-part.tsx'

/** Who may use this fog, what they did, and whether its books are sound. */
export function AdminPage() {
  const me = useMe()
  const navigate = useNavigate()
  const { tab = 'users' } = useSearch({ from: '/inside/admin' })
  if (!me) {
    return (
      <Page title="Admin">
        <Loading />
      </Page>
    )
  }
  if (me.role !== 'admin') {
    return (
      <Page title="Admin">
        <Notice>This part is for admins.</Notice>
      </Page>
    )
  }
  return (
    <Page title="Admin">
      <TabbedParts
        label="Parts of the administration"
        value={tab}
        onChange={(next) => void navigate({ to: '/admin', search: { tab: next }, replace: true, resetScroll: false })}
        tabs={[
          { value: 'users', label: 'Users', content: <UsersPart me={me} /> },
          { value: 'audit', label: 'Audit log', content: <AuditPart /> },
          { value: 'ledger', label: 'Ledger', content: <LedgerPart /> },
        ]}
      />
    </Page>
  )
}

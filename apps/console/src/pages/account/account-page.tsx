import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { formatTokens } from '../../format/format.ts'
import { Card, Figure } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { Page } from '../../parts/page.tsx'
import { Resource } from '../../parts/resource.tsx'
import { TabbedParts } from '../../parts/tabs.tsx'
import { useClient } from '../../session/session-context.tsx'
import { meQuery } from '../../shell/me.ts'
import { LogInsPart } from './log-ins-part.tsx'
import { PasswordPart } from './password-part.tsx'
import { QuotaPart } from './quota-part.tsx'
import { TokensPart } from './tokens-part.tsx'
import { TransfersPart } from './transfers-part.tsx'

/** Your money, your keys, your log-ins. */
export function AccountPage() {
  const me = useQuery(meQuery(useClient()))
  const navigate = useNavigate()
  const { tab = 'transfers' } = useSearch({ from: '/inside/account' })
  return (
    <Page title="Account" note={me.data && <IdText id={me.data.accountId} />}>
      <Card>
        <h2 className="sr-only">Balance</h2>
        <Resource query={me} lines={2} label="Loading the balance">
          {(data) => (
            <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
              <Figure name="Available" value={formatTokens(data.available)} unit="tokens" />
              <Figure
                name="On hold"
                value={formatTokens(data.onHold)}
                unit="tokens"
                note="for jobs that are not over"
              />
              <Figure name="Logged in as" value={data.name} note={data.role} />
            </dl>
          )}
        </Resource>
      </Card>
      <TabbedParts
        label="Parts of the account"
        value={tab}
        onChange={(next) => void navigate({ to: '/account', search: { tab: next }, replace: true, resetScroll: false })}
        tabs={[
          { value: 'transfers', label: 'Transfers', content: <TransfersPart /> },
          { value: 'quota', label: 'Quota', content: <QuotaPart /> },
          { value: 'tokens', label: 'API tokens', content: <TokensPart scopes={me.data?.scopes ?? []} /> },
          { value: 'log-ins', label: 'Log-ins', content: <LogInsPart /> },
          { value: 'password', label: 'Password', content: <PasswordPart /> },
        ]}
      />
    </Page>
  )
}

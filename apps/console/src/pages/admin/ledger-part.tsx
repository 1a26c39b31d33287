import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck } from 'lucide-react'
import type { LedgerAuditView } from '@fog/contract'
import { formatClock, formatCount, formatTokens } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { Card, Figure } from '../../parts/card.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useClient } from '../../session/session-context.tsx'
import { ledgerAuditQuery } from './queries.ts'

/** The books, worked out anew from every posting. */
export function LedgerPart() {
  const audit = useQuery(ledgerAuditQuery(useClient()))
  return (
    <Card
      title="Ledger audit"
      note={
        audit.dataUpdatedAt > 0
          ? `Worked out anew from every posting at ${formatClock(audit.dataUpdatedAt)}.`
          : undefined
      }
      actions={
        <Button size="small" busy={audit.isFetching} onClick={() => void audit.refetch()}>
          Audit again
        </Button>
      }
    >
      <Resource query={audit} lines={4} label="Auditing the ledger">
        {(data) => <Result audit={data} />}
      </Resource>
    </Card>
  )
}

function Result({ audit }: { audit: LedgerAuditView }) {
  const { sound, findings } = audit
  return (
    <div className="space-y-5">
      <p
        role="status"
        className={`flex items-center gap-2.5 text-lg font-semibold ${sound ? 'text-good' : 'text-bad'}`}
      >
        {sound ? <CircleCheck size={22} aria-hidden="true" /> : <CircleAlert size={22} aria-hidden="true" />}
        {sound ? 'The books are sound.' : 'The books are not sound.'}
      </p>
      {findings.length > 0 && (
        <Notice kind="bad">
          <ul className="list-disc pl-4">
            {findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        </Notice>
      )}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-5 sm:grid-cols-3">
        <Figure name="Sum of all balances" value={formatTokens(audit.total)} note="must be 0" />
        <Figure name="Minted" value={formatTokens(audit.minted)} unit="tokens" />
        <Figure name="In escrow" value={formatTokens(audit.escrow)} unit="tokens" />
        <Figure name="Transfers" value={formatCount(audit.transfers)} />
        <Figure name="Accounts" value={formatCount(audit.accounts)} />
        <Figure name="Open holds" value={formatCount(audit.holdsOpen)} />
      </dl>
    </div>
  )
}

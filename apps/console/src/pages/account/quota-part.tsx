import { useQuery } from '@tanstack/react-query'
import { Card } from '../../parts/card.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useClient } from '../../session/session-context.tsx'
import { quotaQuery } from './queries.ts'
import { QuotaMeters } from './quota-meters.tsx'

/** What your account uses, and how much it may. */
export function QuotaPart() {
  const quota = useQuery(quotaQuery(useClient()))
  return (
    <Card title="Quota" note="A job that would go over a limit is refused. Admins set limits.">
      <Resource query={quota} lines={4} label="Loading the quota">
        {(data) => <QuotaMeters quota={data} />}
      </Resource>
    </Card>
  )
}

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useFeed } from '../../feed/feed.tsx'
import { jobNamesIn, linesOf } from '../../feed/sentences.ts'
import type { TiersView } from '@fog/contract'
import { countOf } from '../../format/format.ts'
import { buttonClass } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Page } from '../../parts/page.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useClient } from '../../session/session-context.tsx'
import { FeedList } from './feed-list.tsx'
import { FirstSteps } from './first-steps.tsx'
import { LatestJobs } from './latest-jobs.tsx'
import { latestJobsQuery, overviewQuery, tiersQuery } from './queries.ts'
import { QueueTable } from './queue-table.tsx'
import { Glance } from './glance.tsx'
import { Throughput } from './throughput.tsx'
import { TierTable } from './tier-table.tsx'

const LINES = 12

/** The fog at a glance: what there is, what waits, what happens. */
export function OverviewPage() {
  const client = useClient()
  const overview = useQuery(overviewQuery(client))
  const latest = useQuery(latestJobsQuery(client))
  const tiers = useQuery(tiersQuery(client))
  const feed = useFeed()
  const names = new Map([
    ...jobNamesIn(feed.events),
    ...(latest.data?.items ?? []).map(({ jobId, name }) => [jobId, name] as const),
  ])
  const nodes = total(overview.data?.nodes)
  const isNew =
    overview.data !== undefined && latest.data !== undefined && (nodes === 0 || latest.data.items.length === 0)
  return (
    <Page
      title="Overview"
      actions={
        <Link to="/jobs/new" className={buttonClass('primary')}>
          <Plus size={16} aria-hidden="true" />
          Submit a job
        </Link>
      }
    >
      {isNew && <FirstSteps nodes={nodes} jobs={latest.data.items.length} origin={window.location.origin} />}
      <Resource query={overview} lines={3} label="Loading the overview">
        {(data) => <Glance overview={data} />}
      </Resource>
      <div className="grid gap-4 md:gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="space-y-4 md:space-y-5">
          <Card
            flush
            title="Your latest jobs"
            actions={
              <Link to="/jobs" className="text-sm font-medium text-accent hover:underline">
                All jobs
              </Link>
            }
          >
            <Resource query={latest}>{(page) => <LatestJobs jobs={page.items} />}</Resource>
          </Card>
          <Card title="Tasks ended each second" note="Counted from the event feed since this tab was opened.">
            <Throughput seconds={feed.seconds} since={feed.since} />
          </Card>
          <Card flush title="Tiers" note={tiersNote(tiers.data)}>
            <Resource query={tiers}>{(data) => <TierTable tiers={data.tiers} />}</Resource>
          </Card>
        </div>
        <div className="space-y-4 md:space-y-5">
          <Card
            flush
            title="Queue"
            note="Waiting and running tasks, by tier."
            actions={
              <Link to="/plan" className="text-sm font-medium text-accent hover:underline">
                Placement
              </Link>
            }
          >
            <Resource query={overview}>{(data) => <QueueTable queue={data.queue} />}</Resource>
          </Card>
          <Card title="What happens" note="Live, newest first.">
            <FeedList lines={linesOf(feed.events, LINES, names)} />
          </Card>
        </div>
      </div>
    </Page>
  )
}

function tiersNote(data: TiersView | undefined): string {
  if (data === undefined) return 'How each tier was kept lately.'
  const hours = Math.round((Date.parse(data.to) - Date.parse(data.from)) / 3_600_000)
  const kept = data.headroomCores > 0 ? `; ${countOf(data.headroomCores, 'core')} kept for Platinum` : ''
  return `How each was kept over the last ${countOf(hours, 'hour')}${kept}.`
}

function total(states: Readonly<Record<string, number>> | undefined): number {
  return Object.entries(states ?? {}).reduce((sum, [state, count]) => (state === 'retired' ? sum : sum + count), 0)
}

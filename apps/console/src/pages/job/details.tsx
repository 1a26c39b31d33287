import type { JobView } from '@fog/contract'
import {
  formatBytes,
  formatDuration,
  formatExact,
  formatFuel,
  formatNumber,
  formatTokens,
} from '../../format/format.ts'
import { Card, Facts } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'

/** What was asked for. */
export function Details({ job }: { job: JobView }) {
  const { limits, verification } = job
  return (
    <div className="grid gap-4 md:gap-5 lg:grid-cols-2">
      <Card title="Job">
        <Facts
          facts={[
            ['Id', <IdText key="id" id={job.jobId} />],
            ['Account', <IdText key="account" id={job.accountId} />],
            ['Program', <ProgramText key="program" job={job} />],
            ['Tier', job.tier],
            ['Privacy', job.privacy],
            ['Routing', job.routing.replaceAll('_', ' ')],
            ['Verification', verificationText(verification)],
            ['Highest price', `${formatTokens(job.priceCap)} tokens`],
            ['Submitted', formatExact(Date.parse(job.submittedAt))],
            ['Started', timeText(job.startedAt, 'not yet')],
            ['Finished', timeText(job.finishedAt, 'not yet')],
          ]}
        />
      </Card>
      <Card title="Limits of each task" note="A task that goes beyond one is stopped, with that as its reason.">
        <Facts
          facts={[
            ['Cores', formatNumber(limits.cores)],
            ['Memory', formatBytes(limits.memoryBytes)],
            ['Disk', formatBytes(limits.diskBytes)],
            ['Output', formatBytes(limits.outputBytes)],
            ['Time', formatDuration(limits.wallSeconds * 1000)],
            ['Fuel', `${formatFuel(limits.fuel)} instructions`],
          ]}
        />
      </Card>
    </div>
  )
}

function ProgramText({ job }: { job: JobView }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1">
      <IdText id={job.program.digest} />
      <span className="text-faint">{formatBytes(job.program.size)}</span>
    </span>
  )
}

function verificationText({ quorum, spotCheckPercent }: JobView['verification']): string {
  if (quorum > 1) return `${quorum} nodes must agree on each result`
  if (spotCheckPercent > 0) return `${formatNumber(spotCheckPercent)} % of results are checked by a second node`
  return 'results are taken as they come'
}

function timeText(at: string | undefined, otherwise: string): string {
  return at === undefined ? otherwise : formatExact(Date.parse(at))
}

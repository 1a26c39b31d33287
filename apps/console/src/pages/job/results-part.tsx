import { useMutation, useQuery } from '@tanstack/react-query'
import { Download, PackageOpen } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import type { JobView, TaskResultView } from '@fog/contract'
import { formatBytes, formatCount } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty, Failure } from '../../parts/notice.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useClient } from '../../session/session-context.tsx'
import { archiveOf, type DownloadProgress } from './download.ts'
import { FileLine } from './file-line.tsx'
import { resultsQuery } from './queries.ts'
import { saveBlob } from './save.ts'

/** What came out, task by task, and all of it at once. */
export function ResultsPart({ job }: { job: JobView }) {
  const pages = usePages()
  const results = useQuery(resultsQuery(useClient(), job.jobId, pages.after))
  const columns = useMemo(() => columnsFor(), [])
  return (
    <Card
      flush
      title="Results"
      note="Accepted results only, in the order of the tasks."
      actions={job.counts.done > 0 && <DownloadAll job={job} />}
    >
      <Resource query={results} lines={6} label="Loading results">
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              caption="Results by task"
              columns={columns}
              rows={page.items}
              rowId={(result) => result.taskId}
            />
          ) : (
            <Empty icon={<PackageOpen size={22} />} title="No results yet">
              As soon as a task is done, its files are here.
            </Empty>
          )
        }
      </Resource>
      <Pager pages={pages} next={results.data?.next} label="Pages of results" />
    </Card>
  )
}

function columnsFor(): readonly Column<TaskResultView>[] {
  return [
    {
      id: 'index',
      header: '#',
      align: 'end',
      className: 'w-12 align-top text-faint',
      cell: (result) => <span className="block pt-1">{formatCount(result.index)}</span>,
    },
    {
      id: 'item',
      header: 'Task',
      from: 'md',
      className: 'align-top max-w-48',
      cell: (result) => (
        <span className="block truncate pt-1" title={result.item}>
          {result.item === '' ? `Task ${result.index}` : result.item}
        </span>
      ),
    },
    {
      id: 'files',
      header: 'Files',
      className: 'w-full max-w-0',
      cell: (result) => (
        <ul className="space-y-1">
          {filesShown(result).map((file) => (
            <li key={file.path}>
              <FileLine {...file} />
            </li>
          ))}
        </ul>
      ),
    },
  ]
}

function isStop(error: Error): boolean {
  return error.name === 'AbortError'
}

/** Outputs, and what was printed if anything was. */
export function filesShown({ stdout, stderr, outputs }: Pick<TaskResultView, 'stdout' | 'stderr' | 'outputs'>) {
  const printed = [
    { path: 'stdout', ...stdout },
    { path: 'stderr', ...stderr },
  ].filter(({ size }) => size > 0)
  return [...outputs, ...printed]
}

function DownloadAll({ job }: { job: JobView }) {
  const client = useClient()
  const [progress, setProgress] = useState<DownloadProgress | undefined>(undefined)
  const stop = useRef<AbortController | undefined>(undefined)
  const download = useMutation({
    mutationFn: async () => {
      stop.current = new AbortController()
      const archive = await archiveOf(client, job.jobId, setProgress, stop.current.signal)
      saveBlob(archive, `${job.name}.zip`)
    },
    onSettled: () => setProgress(undefined),
  })
  return (
    <div className="flex flex-wrap items-center gap-2">
      {progress && (
        <span role="status" className="figures text-[0.8125rem] text-soft">
          {formatCount(progress.files)} files, {formatBytes(progress.bytes)}
        </span>
      )}
      {download.isPending && (
        <Button size="small" kind="quiet" onClick={() => stop.current?.abort()}>
          Stop
        </Button>
      )}
      <Button
        size="small"
        busy={download.isPending}
        icon={<Download size={15} aria-hidden="true" />}
        onClick={() => download.mutate()}
      >
        Download all
      </Button>
      {download.isError && !isStop(download.error) && <Failure error={download.error} />}
    </div>
  )
}

import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import type { Client, LogChunkView, TaskDetailView, TaskView } from '@fog/contract'
import { given } from '../../given.ts'
import { decodeNetpbm } from '../../images/netpbm.ts'
import type { TaskStatus } from '../../feed/updates.ts'

export const TASKS_PAGE = 50
export const RESULTS_PAGE = 50
/** Above this, a map of tasks has cells too small to see; the bar and the table remain. */
export const MAP_TASKS = 2000
const LARGEST_PAGE = 1000

export function jobQuery(client: Client, jobId: string) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'view'],
    queryFn: async ({ signal }) => client.call('getJob', { params: { jobId }, signal }),
  })
}

export function tasksQuery(
  client: Client,
  jobId: string,
  { status, after }: { status: TaskStatus | undefined; after: string | undefined },
) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'tasks', { status, after }],
    queryFn: async ({ signal }) =>
      client.call('listTasks', {
        params: { jobId },
        query: { limit: TASKS_PAGE, ...given({ status, after }) },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** All tasks of a job of moderate size; events keep it up to date between reads. */
export function taskMapQuery(client: Client, jobId: string) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'map'],
    queryFn: async ({ signal }): Promise<TaskView[]> => {
      const tasks: TaskView[] = []
      for (let after: string | undefined; ;) {
        const query = { limit: LARGEST_PAGE, ...given({ after }) }
        const page = await client.call('listTasks', { params: { jobId }, query, signal })
        tasks.push(...page.items)
        after = page.next
        if (after === undefined || tasks.length >= MAP_TASKS) return tasks
      }
    },
  })
}

export function resultsQuery(client: Client, jobId: string, after: string | undefined) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'results', { after }],
    queryFn: async ({ signal }) =>
      client.call('listResults', { params: { jobId }, query: { limit: RESULTS_PAGE, ...given({ after }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

/** As many results as one read gives, for pictures. */
export function picturedResultsQuery(client: Client, jobId: string) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'results', 'pictured'],
    queryFn: async ({ signal }) =>
      client.call('listResults', { params: { jobId }, query: { limit: LARGEST_PAGE }, signal }),
  })
}

export function receiptQuery(client: Client, jobId: string) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'receipt'],
    queryFn: async ({ signal }) => client.call('getReceipt', { params: { jobId }, signal }),
  })
}

export function whyQuery(client: Client, jobId: string) {
  return queryOptions({
    queryKey: ['jobs', jobId, 'why'],
    queryFn: async ({ signal }) => client.call('explainJob', { params: { jobId }, signal }),
  })
}

export function taskQuery(client: Client, taskId: string) {
  return queryOptions({
    queryKey: ['tasks', taskId, 'detail'],
    queryFn: async ({ signal }): Promise<TaskDetailView> => client.call('getTask', { params: { taskId }, signal }),
  })
}

/** A task's whole log. A later read goes on where the one before ended. */
export function logsQuery(client: Client, queries: QueryClient, taskId: string) {
  const queryKey = ['tasks', taskId, 'logs']
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<LogChunkView[]> => {
      const chunks = [...(queries.getQueryData<LogChunkView[]>(queryKey) ?? [])]
      for (;;) {
        const query = { limit: LARGEST_PAGE, ...given({ after: chunks.at(-1)?.cursor }) }
        const page = await client.call('getTaskLogs', { params: { taskId }, query, signal })
        chunks.push(...page.items)
        if (page.items.length < LARGEST_PAGE) return chunks
      }
    },
  })
}

/** Content by its hash: it never changes, so it is read once. */
export function contentQuery(client: Client, digest: string) {
  return queryOptions({
    queryKey: ['content', digest],
    queryFn: async ({ signal }) => {
      const response = await client.raw('getBlob', { params: { digest }, signal })
      return new Uint8Array(await response.arrayBuffer())
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
}

/** A Netpbm picture by the hash of its file. */
export function pictureQuery(client: Client, digest: string) {
  return queryOptions({
    queryKey: ['picture', digest],
    queryFn: async ({ signal }) => {
      const response = await client.raw('getBlob', { params: { digest }, signal })
      return decodeNetpbm(new Uint8Array(await response.arrayBuffer()))
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: false,
  })
}
